"""Turns votes into scores per model, per style, and per model within a style."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tianji_core.comparison.strength import Game, Strengths, strengths
from tianji_core.review import Agreement, agreement
from tianji_core.store.votes import BETTER, NONE, Vote

ELO = 400 / math.log(10)
"""Points per unit of log-odds: 400 points are odds of ten to one, as in the Elo rating of chess."""
MIDDLE = 1000
UNDECIDABLE = 5000
"""Above this number of further votes the question counts as undecidable."""


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
    many more pairs must be compared to reach the requested certainty, None where that cannot be estimated.
    ``pairs`` counts the scored pairs and ``none`` those of which neither answer was good. ``groups`` above 1
    means that some players were never compared, not even indirectly."""

    rows: tuple[Standing, ...]
    certainty: float | None
    needed: int | None
    pairs: int
    none: int
    groups: int


def by_model(votes: Sequence[Vote], certainty: float = 0.95, style: str = "") -> Standings:
    """Returns the standings of the models; ``style`` '' is all styles together."""
    counted = [vote for vote in votes if not style or vote.style == vote.loser_style == style]
    return _standings([(vote.winner, vote.loser, vote.outcome) for vote in counted], certainty)


def by_style(votes: Sequence[Vote], certainty: float = 0.95) -> Standings:
    """Returns the standings of the styles, from pairs of answers in different styles."""
    counted = [vote for vote in votes if vote.style != vote.loser_style]
    return _standings([(vote.style, vote.loser_style, vote.outcome) for vote in counted], certainty)


def by_model_and_style(votes: Sequence[Vote], certainty: float = 0.95) -> Standings:
    """Returns the standings of each model in each style."""
    pairs = [
        (f"{vote.winner} · {vote.style}", f"{vote.loser} · {vote.loser_style}", vote.outcome)
        for vote in votes
    ]
    return _standings(pairs, certainty)


def _standings(pairs: Iterable[tuple[str, str, str]], certainty: float) -> Standings:
    counts: dict[str, list[int]] = {}
    games, none = [], 0
    for winner, loser, outcome in pairs:
        if winner == loser:
            continue
        won, lost = counts.setdefault(winner, [0, 0, 0]), counts.setdefault(loser, [0, 0, 0])
        if outcome == NONE:
            none += 1
        elif outcome == BETTER:
            won[0] += 1
            lost[1] += 1
            games.append(Game(winner, loser, 1.0))
        else:
            won[2] += 1
            lost[2] += 1
            games.append(Game(winner, loser, 0.5))
    fitted = strengths(games)
    order = sorted(range(len(fitted.players)), key=lambda at: (-fitted.values[at], fitted.players[at]))
    reached = needed = None
    if len(order) > 1:
        reached = fitted.certainty(order[0], order[1])
        needed = fitted.games_needed(order[0], order[1], certainty)
        needed = None if needed is None or needed > UNDECIDABLE else needed
    ranked = tuple(_standing(fitted, at, counts[fitted.players[at]]) for at in order)
    return Standings(ranked, reached, needed, len(games), none, fitted.groups)


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
