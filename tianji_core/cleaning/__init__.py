"""Cleaning: rules that find faults in a text, safe fixes, and both applied to stored samples."""

from tianji_core.cleaning.comparing import compare_all, forget_outdated, keep_best, ranked, rules_basis
from tianji_core.cleaning.copying import copy_to, readdressed
from tianji_core.cleaning.diff import DiffSegment, compare
from tianji_core.cleaning.doubt import Doubt, doubt
from tianji_core.cleaning.own import OWN_RULES
from tianji_core.cleaning.pipeline import (
    Overview,
    Preview,
    Proposal,
    check_again,
    check_new,
    current_context,
    fix,
    overview,
    preview,
    propose,
)
from tianji_core.cleaning.rule import Context, Rule, Subject, about, bounds, context_of
from tianji_core.cleaning.rules import BY_ID, FIXABLE_RULES, RULES, SAFE_RULES, check, clean_text
from tianji_core.cleaning.turns import check_turns, clean_turns, doubt_of_turns
from tianji_core.store.findings import Finding

__all__ = [
    "BY_ID",
    "FIXABLE_RULES",
    "OWN_RULES",
    "RULES",
    "SAFE_RULES",
    "Context",
    "DiffSegment",
    "Doubt",
    "Finding",
    "Overview",
    "Preview",
    "Proposal",
    "Rule",
    "Subject",
    "about",
    "bounds",
    "check",
    "check_again",
    "check_new",
    "check_turns",
    "clean_text",
    "clean_turns",
    "compare",
    "compare_all",
    "context_of",
    "copy_to",
    "current_context",
    "doubt",
    "doubt_of_turns",
    "fix",
    "forget_outdated",
    "keep_best",
    "overview",
    "preview",
    "propose",
    "ranked",
    "readdressed",
    "rules_basis",
]
