"""The page 列表 and its parts."""
