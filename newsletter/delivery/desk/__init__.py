"""The desk's pages for sending at once and for looking ahead; under the admin, and for its users only."""
