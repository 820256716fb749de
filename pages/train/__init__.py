"""The page 训练 and its parts."""
