"""The rules applied to a whole conversation: every answer is checked and fixed, not only the last one.
Pure."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import NamedTuple, Protocol

from tianji_core.cleaning.doubt import Doubt, doubt
from tianji_core.cleaning.rule import Context, HasText, Subject
from tianji_core.cleaning.rules import FOLLOW_UP_UNMET, SAFE_RULES, check_all, clean_text
from tianji_core.recipe.following import FollowUp, FollowUpKind, recognised
from tianji_core.store.findings import Finding

Turns = tuple[tuple[str, str], ...]
"""Earlier turns of a conversation as (input, output)."""


class HasTurns(HasText, Protocol):
    """A conversation that can be checked: ``history`` are the turns before the input of the last answer."""

    @property
    def input(self) -> str: ...
    @property
    def history(self) -> Turns: ...


class Answers(NamedTuple):
    """All answers of a conversation: the last one, and the earlier ones in their turns."""

    output: str
    history: Turns


def check_turns(sample: HasTurns, context: Context) -> list[Finding]:
    """Returns the findings in all answers of a conversation, each with the number of its turn; those of an
    answer that does not do what the person asked for after the one before, too."""
    return check_all_turns((sample,), context)[0]


def check_all_turns(samples: Sequence[HasTurns], context: Context) -> list[list[Finding]]:
    """Returns for each conversation what :func:`check_turns` does."""
    earlier = [_earlier(sample, context) for sample in samples]
    asked: list[HasText] = []
    for sample, subjects in zip(samples, earlier, strict=True):
        asked += (*subjects, sample)
    found = iter(check_all(asked, context))
    return [
        [
            *(replace(each, turn=number) for number in range(1, len(subjects) + 1) for each in next(found)),
            *next(found),
            *_unmet(sample, context),
        ]
        for sample, subjects in zip(samples, earlier, strict=True)
    ]


def _unmet(sample: HasTurns, context: Context) -> list[Finding]:
    """Returns the findings of answers that do not do what was asked for after the one before."""
    found = []
    answers = [answer for _request, answer in sample.history]
    for number, (follow_up, (before, after)) in enumerate(
        zip(_follow_ups(sample, context), pairwise([*answers, sample.output]), strict=True), 2
    ):
        if follow_up is not None and (fault := follow_up.fault(before, after)):
            found.append(Finding(FOLLOW_UP_UNMET.id, fault, turn=number if number <= len(answers) else 0))
    return found


def doubt_of_turns(sample: HasTurns, context: Context) -> Doubt:
    """Returns the greatest doubt about an answer of a conversation in which nothing was found."""
    doubts = [doubt(subject, context) for subject in _earlier(sample, context)]
    doubts.append(doubt(sample, context))
    return max(doubts, key=lambda each: each.value)


def clean_turns(sample: HasTurns, context: Context, rules: Collection[str] = SAFE_RULES) -> Answers:
    """Returns all answers of a conversation after the fixes of ``rules``, as
    :func:`~tianji_core.cleaning.rules.clean_text` fixes one."""
    history = tuple(
        (asked, clean_text(subject, context, rules))
        for (asked, _answer), subject in zip(sample.history, _earlier(sample, context), strict=True)
    )
    return Answers(clean_text(sample, context, rules), history)


def _follow_ups(sample: HasTurns, context: Context) -> list[FollowUp | None]:
    """What each request after the first one asks for, None where that is not known."""
    requests = [request for request, _answer in sample.history[1:]]
    requests += [sample.input] if sample.history else []
    return [recognised(request, context.limits, context.recipe.words.style) for request in requests]


def _earlier(sample: HasTurns, context: Context) -> list[Subject]:
    """The answers before the last one. The style of one is unknown where style or length were asked to change
    after it."""
    follow_ups = _follow_ups(sample, context)
    subjects = []
    for number, (_request, answer) in enumerate(sample.history):
        kinds = {each.kind for each in follow_ups[number:] if each is not None} - {FollowUpKind.WITHOUT}
        subjects.append(Subject(answer, sample.name, sample.scene, "" if kinds else sample.style))
    return subjects
