"""The page 设置 and its parts."""
