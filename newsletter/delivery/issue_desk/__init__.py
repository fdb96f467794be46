"""The issue desk: the page on which an editor makes the issue, with preview, preflight and approval."""
