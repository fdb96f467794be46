"""The page of one campaign: how it goes, what is put off or refused and why, one reader, and everything as CSV."""
