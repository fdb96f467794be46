"""Writing at the desk: versions and what changed between them, unsaved work, who else is at it, duplicates."""
