"""What is found in one sample without looking at any other: findings and doubt. Pure."""

from typing import NamedTuple

from tianji_core.cleaning.rule import Context
from tianji_core.cleaning.turns import check_turns, doubt_of_turns
from tianji_core.cleaning.unfinished import RULE as UNFINISHED_RULE
from tianji_core.cleaning.unfinished import unfinished
from tianji_core.store.findings import Finding, Unchecked


class OwnResult(NamedTuple):
    """The findings in a sample; where there are none, how doubtful it is, 0 for a sure one."""

    findings: list[Finding]
    doubt: float


def own_findings(sample: Unchecked, context: Context) -> list[Finding]:
    """Returns what the rules find in a sample without looking at any other."""
    items = check_turns(sample, context)
    known = any(item.rule == UNFINISHED_RULE and not item.turn for item in items)
    if not known and (cut := unfinished(sample)) is not None:
        items.append(cut)
    return items


def doubt_of(sample: Unchecked, context: Context) -> float:
    """Returns how doubtful a sample is in which nothing was found, as it is stored: 0 for a sure one."""
    found = doubt_of_turns(sample, context)
    return 0.0 if found.is_sure else round(found.value, 2)


def checked(sample: Unchecked, context: Context, doubts: bool = True) -> OwnResult:
    """Returns what is found in a sample; without ``doubts`` these are left out."""
    items = own_findings(sample, context)
    return OwnResult(items, 0.0 if items or not doubts else doubt_of(sample, context))
