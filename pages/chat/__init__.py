"""The page 对话 and its parts."""
