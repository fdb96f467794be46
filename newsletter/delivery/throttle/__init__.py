"""Speed limits, which all workers share: of transports, newsletters and receivers' mail domains."""
