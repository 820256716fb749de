"""审核: parts of the review beside the store: keys, rewriting, splitting, neighbours, agreement."""

from tianji_core.review.agreement import Agreement, agreement, cohen_kappa, reviewer_agreement
from tianji_core.review.bulk_edit import (
    ANSWERS,
    INPUTS,
    BulkEdit,
    SampleChange,
    find_and_replace,
    make_edit,
    rebuild_inputs,
    recipe_system,
    set_system,
)
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
from tianji_core.review.own_rules import OwnRuleTrial, add_own_rule, remove_own_rule, try_own_rule
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
    "ANSWERS",
    "INPUTS",
    "Agreement",
    "BulkEdit",
    "Candidate",
    "Neighbour",
    "Objection",
    "OwnRuleTrial",
    "Rewriting",
    "SampleChange",
    "add_own_rule",
    "agreement",
    "checked_keys",
    "cohen_kappa",
    "default_keys",
    "find_and_replace",
    "forget_rewriting",
    "load_keys",
    "load_rewriting",
    "make_edit",
    "neighbours",
    "normal_key",
    "pieces_of",
    "rebuild_inputs",
    "recipe_system",
    "remove_own_rule",
    "reset_keys",
    "reviewer_agreement",
    "rewrite",
    "rewrite_prompt",
    "save_keys",
    "set_system",
    "split",
    "take_candidate",
    "try_own_rule",
]
