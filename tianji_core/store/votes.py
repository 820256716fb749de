"""Verdicts of the compare page: which of two answers is better, and how often each model and style won."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy import Engine, and_, delete, func, insert, or_, select

from tianji_core.store.database import now, reading, writing
from tianji_core.store.schema import votes


@dataclass(frozen=True)
class Vote:
    """``chosen`` is better than ``rejected``. ``prompt`` is what the winner was asked; the styles are those that
    were asked for, '' for a free text."""

    recipe: str
    system: str
    prompt: str
    winner: str
    style: str
    chosen: str
    loser: str
    loser_style: str
    rejected: str

    @property
    def pair(self) -> "Pair":
        """What :func:`pairs` returns for it once it is stored."""
        return Pair(self.winner, self.style, self.chosen, self.rejected)


@dataclass(frozen=True)
class Tally:
    """How one model fared in one style. Wins and losses count pairs of answers."""

    model: str
    style: str
    wins: int
    losses: int

    @property
    def share(self) -> float:
        """Won share in 0..1."""
        return self.wins / (self.wins + self.losses)


def decide(engine: Engine, verdicts: Sequence[Vote], who: str) -> None:
    """Store verdicts; an earlier one on the same two answers, either way round, is replaced."""
    if not verdicts:
        return
    moment = now()
    with writing(engine) as connection:
        for vote in verdicts:
            connection.execute(delete(votes).where(votes.c.recipe == vote.recipe, _same_pair(vote)))
        rows = [{**vote.__dict__, "who": who, "created_at": moment} for vote in verdicts]
        connection.execute(insert(votes), rows)


def withdraw(engine: Engine, verdicts: Sequence[Vote]) -> None:
    """Take verdicts back."""
    with writing(engine) as connection:
        for vote in verdicts:
            connection.execute(delete(votes).where(votes.c.recipe == vote.recipe, _same_pair(vote)))


def _same_pair(vote: Vote):  # type: ignore[no-untyped-def]
    return or_(
        and_(votes.c.chosen == vote.chosen, votes.c.rejected == vote.rejected),
        and_(votes.c.chosen == vote.rejected, votes.c.rejected == vote.chosen),
    )


class Pair(NamedTuple):
    """A stored verdict: ``model`` wrote ``chosen`` in ``style``."""

    model: str
    style: str
    chosen: str
    rejected: str


def pairs(engine: Engine, recipe: str, answers: Collection[str]) -> set[Pair]:
    """The verdicts between any two of these answers."""
    query = select(votes.c.winner, votes.c.style, votes.c.chosen, votes.c.rejected).where(
        votes.c.recipe == recipe, votes.c.chosen.in_(answers), votes.c.rejected.in_(answers)
    )
    with reading(engine) as connection:
        return {Pair(*row) for row in connection.execute(query)}


def tally(engine: Engine, recipe: str) -> list[Tally]:
    """Wins and losses per model and style, the most successful first."""
    counts: dict[tuple[str, str], list[int]] = {}
    with reading(engine) as connection:
        for at, (model, style) in enumerate(
            ((votes.c.winner, votes.c.style), (votes.c.loser, votes.c.loser_style))
        ):
            query = select(model, style, func.count()).where(votes.c.recipe == recipe).group_by(model, style)
            for name, asked, number in connection.execute(query):
                counts.setdefault((name, asked), [0, 0])[at] += number
    found = [Tally(model, style, wins, losses) for (model, style), (wins, losses) in counts.items()]
    return sorted(found, key=lambda each: (-each.share, -each.wins, each.model, each.style))
