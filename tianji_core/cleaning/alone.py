"""What is found in one sample without looking at any other: findings and doubt. Pure."""

from collections.abc import Sequence
from typing import NamedTuple

from tianji_core.cleaning.rule import Context
from tianji_core.cleaning.rules import rounds
from tianji_core.cleaning.turns import check_all_turns, doubt_of_turns
from tianji_core.cleaning.unfinished import RULE as UNFINISHED_RULE
from tianji_core.cleaning.unfinished import unfinished
from tianji_core.store.findings import Finding, Unchecked


class OwnResult(NamedTuple):
    """The findings in a sample; where there are none, how doubtful it is, 0 for a sure one."""

    findings: list[Finding]
    doubt: float


def own_findings(samples: Sequence[Unchecked], context: Context) -> list[list[Finding]]:
    """Returns for each sample what the rules find in it without looking at any other."""
    found = check_all_turns(samples, context)
    for sample, items in zip(samples, found, strict=True):
        known = any(item.rule == UNFINISHED_RULE and not item.turn for item in items)
        if not known and (cut := unfinished(sample)) is not None:
            items.append(cut)
    return found


def doubt_of(sample: Unchecked, context: Context) -> float:
    """Returns how doubtful a sample is in which nothing was found, as it is stored: 0 for a sure one."""
    found = doubt_of_turns(sample, context)
    return 0.0 if found.is_sure else round(found.value, 2)


def checked(samples: Sequence[Unchecked], context: Context, doubts: bool = True) -> list[OwnResult]:
    """Returns what is found in each sample; without ``doubts`` these are left out."""
    return [
        OwnResult(items, 0.0 if items or not doubts else doubt_of(sample, context))
        for some in rounds(samples)
        for sample, items in zip(some, own_findings(some, context), strict=True)
    ]
