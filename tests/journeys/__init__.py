"""Whole stories, told to the whole product: its real processes, a real browser, a real mail server."""
