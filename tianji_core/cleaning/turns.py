"""The rules applied to a whole conversation: every answer is checked and fixed, not only the last one.
Pure."""

from collections.abc import Collection
from dataclasses import replace
from typing import NamedTuple, Protocol

from tianji_core.cleaning.rule import Context, HasText, Subject
from tianji_core.cleaning.rules import SAFE_RULES, check, clean_text
from tianji_core.store.findings import Finding

Turns = tuple[tuple[str, str], ...]
"""Earlier turns of a conversation as (input, output)."""


class HasTurns(HasText, Protocol):
    """A conversation that can be checked: ``history`` are the turns before the input of the last answer."""

    @property
    def history(self) -> Turns: ...


class Answers(NamedTuple):
    """All answers of a conversation: the last one, and the earlier ones in their turns."""

    output: str
    history: Turns


def check_turns(sample: HasTurns, context: Context) -> list[Finding]:
    """Returns the findings in all answers of a conversation, each with the number of its turn."""
    found = [
        replace(finding, turn=number)
        for number, (_asked, answer) in enumerate(sample.history, 1)
        for finding in check(_subject(answer, sample), context)
    ]
    return found + check(sample, context)


def clean_turns(sample: HasTurns, context: Context, rules: Collection[str] = SAFE_RULES) -> Answers:
    """Returns all answers of a conversation after the fixes of ``rules``, as
    :func:`~tianji_core.cleaning.rules.clean_text` fixes one."""
    history = tuple(
        (asked, clean_text(_subject(answer, sample), context, rules)) for asked, answer in sample.history
    )
    return Answers(clean_text(sample, context, rules), history)


def _subject(answer: str, sample: HasText) -> Subject:
    return Subject(answer, sample.name, sample.scene, sample.style)
