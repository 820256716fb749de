"""Turns votes into scores per model, per style, and per model within a style."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from tianji_core.comparison.strength import Click, Strengths, strengths
from tianji_core.i18n import _
from tianji_core.review import Agreement, agreement
from tianji_core.store.votes import BETTER, NONE, TIE, Vote

ELO = 400 / math.log(10)
"""Points per unit of log-odds: 400 points are odds of ten to one, as in the Elo rating of chess."""
MIDDLE = 1000
UNDECIDABLE = 5000
"""Above this number of further ballots the question counts as undecidable."""


@dataclass(frozen=True)
class Standing:
    """The score of one player (a model, a style, or a model in a style).

    Scores are points around 1000; ``low`` and ``high`` bound ``score`` with 95 % confidence; wins, losses and
    ties count pairs of answers."""

    player: str
    score: float
    low: float
    high: float
    wins: int
    losses: int
    ties: int


@dataclass(frozen=True)
class Standings:
    """The players, best first.

    ``certainty`` (0-1) is the probability that the first is better than the second; ``needed`` is about how
    many more ballots it takes to reach the requested certainty, None where that cannot be estimated.
    ``ballots`` counts the scored ballots and ``none`` those of which no answer was good. ``groups`` above 1
    means that some players were never compared, not even indirectly."""

    rows: tuple[Standing, ...]
    certainty: float | None
    needed: int | None
    ballots: int
    none: int
    groups: int


class _Named(NamedTuple):
    """A vote with the names of the two players that it is between."""

    vote: Vote
    winner: str
    loser: str


def by_model(votes: Sequence[Vote], certainty: float = 0.95, style: str = "") -> Standings:
    """Returns the standings of the models; ``style`` '' is all styles together. A model that was asked at
    several temperatures, or with several system prompts, is a player for each."""
    named = _named_models(votes)
    return _standings(
        [n for n in named if not style or n.vote.style == n.vote.loser_style == style], certainty
    )


def by_style(votes: Sequence[Vote], certainty: float = 0.95) -> Standings:
    """Returns the standings of the styles, from answers in different styles on one ballot."""
    counted = [vote for vote in votes if vote.style != vote.loser_style]
    return _standings([_Named(vote, vote.style, vote.loser_style) for vote in counted], certainty)


def by_model_and_style(votes: Sequence[Vote], certainty: float = 0.95) -> Standings:
    """Returns the standings of each model in each style."""
    named = [
        _Named(n.vote, f"{n.winner} · {n.vote.style}", f"{n.loser} · {n.vote.loser_style}")
        for n in _named_models(votes)
    ]
    return _standings(named, certainty)


def _named_models(votes: Sequence[Vote]) -> list[_Named]:
    """The votes with the names of their models, and behind them whatever tells apart what one model did: its
    sampling, and the number of its system prompt."""
    settings: dict[str, set[str]] = {}
    systems: dict[str, dict[str, int]] = {}
    for vote in votes:
        for model, setting in ((vote.winner, vote.winner_setting), (vote.loser, vote.loser_setting)):
            settings.setdefault(model, set()).add(setting)
            known = systems.setdefault(model, {})
            known.setdefault(vote.system, len(known) + 1)

    def name(model: str, setting: str, system: str) -> str:
        parts = [model]
        if len(settings[model]) > 1:
            parts.append(setting or _("温度未记录"))
        if len(systems[model]) > 1:
            parts.append(_("系统提示词 {n}", n=systems[model][system]))
        return " · ".join(parts)

    return [
        _Named(
            vote,
            name(vote.winner, vote.winner_setting, vote.system),
            name(vote.loser, vote.loser_setting, vote.system),
        )
        for vote in votes
    ]


def _standings(named: Sequence[_Named], certainty: float) -> Standings:
    counts: dict[str, list[int]] = {}
    by_ballot: dict[tuple[str, ...], list[_Named]] = {}
    for said in named:
        by_ballot.setdefault(_ballot_of(said.vote), []).append(said)
        if said.winner == said.loser:
            continue
        won, lost = counts.setdefault(said.winner, [0, 0, 0]), counts.setdefault(said.loser, [0, 0, 0])
        if said.vote.outcome == BETTER:
            won[0] += 1
            lost[1] += 1
        elif said.vote.outcome == TIE:
            won[2] += 1
            lost[2] += 1
    choices = [_choice(said) for said in by_ballot.values() if said[0].vote.outcome != NONE]
    told = [choice for choice in choices if choice.tells]
    fitted = strengths(told)
    order = sorted(range(len(fitted.players)), key=lambda at: (-fitted.values[at], fitted.players[at]))
    reached = needed = None
    if len(order) > 1:
        reached = fitted.certainty(order[0], order[1])
        needed = fitted.ballots_needed(order[0], order[1], certainty)
        needed = None if needed is None or needed > UNDECIDABLE else needed
    ranked = tuple(_standing(fitted, at, counts[fitted.players[at]]) for at in order)
    none = sum(
        said[0].vote.outcome == NONE and any(each.winner != each.loser for each in said)
        for said in by_ballot.values()
    )
    return Standings(ranked, reached, needed, len(told), none, fitted.groups)


def _ballot_of(vote: Vote) -> tuple[str, ...]:
    """What the votes of one click share; a pair that was judged alone is a ballot of its own."""
    if vote.ballot:
        return vote.who, vote.ballot, vote.outcome, vote.chosen if vote.outcome == BETTER else ""
    return vote.who, vote.prompt, *vote.answers


def _choice(said: Sequence[_Named]) -> Click:
    """The votes of one click as one choice among the answers that it was about."""
    authors: dict[str, dict[str, None]] = {}
    for vote, winner, loser in said:
        authors.setdefault(vote.chosen, {})[winner] = None
        authors.setdefault(vote.rejected, {})[loser] = None
    answers = list(authors)
    chosen = answers.index(said[0].vote.chosen) if said[0].vote.outcome == BETTER else None
    return Click(tuple(tuple(sorted(authors[text])) for text in answers), chosen)


def _standing(fitted: Strengths, at: int, counts: Sequence[int]) -> Standing:
    low, high = fitted.interval(at)
    wins, losses, ties = counts
    return Standing(
        player=fitted.players[at],
        score=MIDDLE + ELO * fitted.values[at],
        low=MIDDLE + ELO * low,
        high=MIDDLE + ELO * high,
        wins=wins,
        losses=losses,
        ties=ties,
    )


def same_verdicts(people: Sequence[Vote], teachers: Sequence[Vote]) -> Agreement:
    """Returns the agreement of the teachers with the people on the pairs of answers that both judged."""
    sides = {vote.answers: vote.side for vote in people}
    return agreement((sides[vote.answers], vote.side) for vote in teachers if vote.answers in sides)
