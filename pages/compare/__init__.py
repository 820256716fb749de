"""The page 对比 and its parts."""
