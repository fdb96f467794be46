"""Real servers on loopback that misbehave on demand: the outside world of the tests."""
