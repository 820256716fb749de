"""审核: parts of the review beside the store: keys, rewriting, splitting, neighbours, agreement."""

from tianji_core.review.agreement import Agreement, agreement, cohen_kappa, reviewer_agreement
from tianji_core.review.keys import (
    ACTIONS,
    checked_keys,
    default_keys,
    load_keys,
    normal_key,
    reset_keys,
    save_keys,
)
from tianji_core.review.neighbours import Neighbour, neighbours
from tianji_core.review.rewriting import (
    Candidate,
    Objection,
    Rewriting,
    forget_rewriting,
    load_rewriting,
    rewrite,
    rewrite_prompt,
    take_candidate,
)
from tianji_core.review.splitting import pieces_of, split

__all__ = [
    "ACTIONS",
    "Agreement",
    "Candidate",
    "Neighbour",
    "Objection",
    "Rewriting",
    "agreement",
    "checked_keys",
    "cohen_kappa",
    "default_keys",
    "forget_rewriting",
    "load_keys",
    "load_rewriting",
    "neighbours",
    "normal_key",
    "pieces_of",
    "reset_keys",
    "reviewer_agreement",
    "rewrite",
    "rewrite_prompt",
    "save_keys",
    "split",
    "take_candidate",
]
