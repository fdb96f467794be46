"""Benchmarks: each has a make target, prints its figures beside a plain baseline, and asserts nothing about time."""
