"""偏好对: what people, rules and judges preferred, frozen as immutable versions and written for trainers.

Votes, edits, accepted beside rejected samples, checked answers of comparisons and a judge's scores become
pairs of a chosen and a rejected answer to one prompt."""

from tianji_core.comparison.preference_pairs.collecting import Collected, collected_pairs, settled_pairs
from tianji_core.comparison.preference_pairs.forms import PAIR_FORMS, write_pairs
from tianji_core.comparison.preference_pairs.versions import freeze_pairs
from tianji_core.dataset.pairs import (
    SOURCE_TITLES,
    SOURCES,
    Pair,
    PairVersion,
    pair_version,
    pair_versions,
    read_pairs,
    verify_pairs,
)

__all__ = [
    "PAIR_FORMS",
    "SOURCES",
    "SOURCE_TITLES",
    "Collected",
    "Pair",
    "PairVersion",
    "collected_pairs",
    "freeze_pairs",
    "pair_version",
    "pair_versions",
    "read_pairs",
    "settled_pairs",
    "verify_pairs",
    "write_pairs",
]
