"""The page 模型 and its parts."""
