"""Whom an announcement is for."""
