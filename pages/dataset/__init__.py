"""The page 数据集 and its parts."""
