"""分享: a small page on which somebody without an account asks one model through a signed link that ends."""

from tianji_core.sharing.links import (
    LONGEST_DAYS,
    MOST_PER_MINUTE,
    Share,
    Shares,
)
from tianji_core.sharing.questions import kept_questions
from tianji_core.sharing.server import SharePages

__all__ = ["LONGEST_DAYS", "MOST_PER_MINUTE", "Share", "SharePages", "Shares", "kept_questions"]
