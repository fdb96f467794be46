"""Bringing in lists from elsewhere: reading a file, one row at a time, and applying what a row says."""
