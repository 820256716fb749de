"""The page 适配度 and its parts."""
