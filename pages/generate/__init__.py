"""The page 造数 and its parts."""
