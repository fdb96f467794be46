"""Real processes, killed and cut off at named points; what must hold afterwards stands in docs/conventions.md."""
