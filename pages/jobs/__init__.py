"""The page 任务 and its parts."""
