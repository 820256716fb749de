"""The page 审核 and its parts."""
