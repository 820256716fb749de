"""The page 总览 and its parts."""
