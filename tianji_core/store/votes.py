"""Verdicts of the compare page: which of two answers is better, and how often each model and style won."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import NamedTuple

from sqlalchemy import ColumnElement, Engine, and_, delete, func, insert, or_, select

from tianji_core.store.database import now, reading, writing
from tianji_core.store.provenance import token_sum
from tianji_core.store.schema import votes

BETTER, TIE, NONE = "better", "tie", "none"
PERSON, TEACHER = "person", "teacher"
_AT_ONCE = 300
"""Answers per query; databases limit the parameters of a statement."""


@dataclass(frozen=True)
class Vote:
    """A verdict on two answers: ``chosen`` is better than ``rejected``; with the outcome tie or none they are
    only the first and the second. ``prompt`` is the request to the winner; the styles are those that were
    asked for. Styles, ``name`` and ``scene`` are '' for a free text. ``reason`` and the tokens come from a
    teacher. ``ballot`` is the same in all votes of one click, '' where the pair was judged alone; a setting
    is the sampling of an answer (T=0.7 · top_p=0.9), '' where it is not known. ``who`` is set in what is
    read."""

    recipe: str
    system: str
    prompt: str
    winner: str
    style: str
    chosen: str
    loser: str
    loser_style: str
    rejected: str
    name: str = ""
    scene: str = ""
    outcome: str = BETTER
    reason: str = ""
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    ballot: str = ""
    winner_setting: str = ""
    loser_setting: str = ""
    who: str = field(default="", compare=False)

    @property
    def pair(self) -> "VotedPair":
        """The verdict in the form that :func:`pairs` returns."""
        return VotedPair(self.winner, self.style, self.chosen, self.rejected)

    @property
    def answers(self) -> tuple[str, str]:
        """Both answers, in an order that does not depend on the winner."""
        first, second = sorted((self.chosen, self.rejected))
        return first, second

    @property
    def side(self) -> str:
        """The verdict relative to :attr:`answers`: first, second, tie or none."""
        if self.outcome != BETTER:
            return self.outcome
        return "first" if self.chosen == self.answers[0] else "second"


@dataclass(frozen=True)
class VoteTally:
    """Results of one model in one style. Wins, losses and ties count pairs of answers; ``none`` counts pairs
    of which neither was good."""

    model: str
    style: str
    wins: int
    losses: int
    ties: int = 0
    none: int = 0

    @property
    def share(self) -> float:
        """Share of wins in 0..1, a tie counting half; 0.5 without a decision."""
        decided = self.wins + self.losses + self.ties
        return (self.wins + self.ties / 2) / decided if decided else 0.5


class VotedPair(NamedTuple):
    """A stored verdict that ``chosen``, by ``model`` in ``style``, is better than ``rejected``."""

    model: str
    style: str
    chosen: str
    rejected: str


class TeacherUsage(NamedTuple):
    """Number and tokens of the verdicts of teachers."""

    verdicts: int
    prompt_tokens: int
    completion_tokens: int


_FIELDS = [votes.c[each.name] for each in fields(Vote)]


def decide(engine: Engine, verdicts: Sequence[Vote], who: str, voter: str = PERSON) -> None:
    """Stores verdicts of a person or a teacher; each replaces an earlier one of theirs on the same two
    answers, and all of theirs on the same ballot."""
    if not verdicts:
        return
    moment = now()
    with writing(engine) as connection:
        for vote in verdicts:
            connection.execute(delete(votes).where(_mine(vote, who, voter)))
        for recipe, ballot in {(vote.recipe, vote.ballot) for vote in verdicts if vote.ballot}:
            same = and_(votes.c.recipe == recipe, votes.c.who == who, votes.c.voter == voter)
            connection.execute(delete(votes).where(same, votes.c.ballot == ballot))
        values = [{**asdict(vote), "who": who, "voter": voter, "created_at": moment} for vote in verdicts]
        connection.execute(insert(votes), values)


def withdraw(engine: Engine, verdicts: Sequence[Vote], who: str, voter: str = PERSON) -> None:
    """Deletes verdicts."""
    with writing(engine) as connection:
        for vote in verdicts:
            connection.execute(delete(votes).where(_mine(vote, who, voter)))


def _mine(vote: Vote, who: str, voter: str) -> ColumnElement[bool]:
    same = or_(
        and_(votes.c.chosen == vote.chosen, votes.c.rejected == vote.rejected),
        and_(votes.c.chosen == vote.rejected, votes.c.rejected == vote.chosen),
    )
    return and_(votes.c.recipe == vote.recipe, votes.c.who == who, votes.c.voter == voter, same)


def pairs(engine: Engine, recipe: str, answers: Collection[str], who: str = "") -> set[VotedPair]:
    """Returns the verdicts of a person (``who`` '': of everybody) that one of these answers is better than
    another."""
    verdicts = between(engine, recipe, answers, PERSON, who)
    return {vote.pair for vote in verdicts if vote.outcome == BETTER}


def between(
    engine: Engine, recipe: str, answers: Collection[str], voter: str = PERSON, who: str = ""
) -> list[Vote]:
    """Returns the verdicts between any two of these answers, oldest first."""
    known, listed = set(answers), sorted(set(answers))
    verdicts: list[Vote] = []
    for start in range(0, len(listed), _AT_ONCE):
        clauses = [votes.c.voter == voter, votes.c.chosen.in_(listed[start : start + _AT_ONCE])]
        verdicts += _read(engine, recipe, [*clauses, *([votes.c.who == who] if who else [])])
    return [vote for vote in verdicts if vote.rejected in known]


def listed(engine: Engine, recipe: str, voter: str = PERSON) -> list[Vote]:
    """Returns all verdicts of people, or of teachers, oldest first."""
    return _read(engine, recipe, [votes.c.voter == voter])


def _read(engine: Engine, recipe: str, conditions: Iterable[ColumnElement[bool]]) -> list[Vote]:
    query = select(*_FIELDS).where(votes.c.recipe == recipe, *conditions).order_by(votes.c.id)
    with reading(engine) as connection:
        return [Vote(**row._mapping) for row in connection.execute(query)]


def teachers(engine: Engine, recipe: str) -> list[str]:
    """Returns the models that judged answers of this recipe, the latest first."""
    query = (
        select(votes.c.who)
        .where(votes.c.recipe == recipe, votes.c.voter == TEACHER)
        .group_by(votes.c.who)
        .order_by(func.max(votes.c.id).desc())
    )
    with reading(engine) as connection:
        return list(connection.execute(query).scalars())


def teacher_usage(engine: Engine, recipe: str) -> TeacherUsage:
    """Returns the usage of all verdicts of teachers on this recipe."""
    query = select(
        func.count(),
        func.coalesce(token_sum(votes.c.prompt_tokens), 0),
        func.coalesce(token_sum(votes.c.completion_tokens), 0),
    ).where(votes.c.recipe == recipe, votes.c.voter == TEACHER)
    with reading(engine) as connection:
        return TeacherUsage(*connection.execute(query).one())


def tally(engine: Engine, recipe: str, voter: str = PERSON) -> list[VoteTally]:
    """Returns wins and losses by model and style, the most successful first."""
    counts: dict[tuple[str, str], dict[str, int]] = {}
    sides = ((votes.c.winner, votes.c.style, "wins"), (votes.c.loser, votes.c.loser_style, "losses"))
    with reading(engine) as connection:
        for model, style, decided in sides:
            query = (
                select(model, style, votes.c.outcome, func.count())
                .where(votes.c.recipe == recipe, votes.c.voter == voter)
                .group_by(model, style, votes.c.outcome)
            )
            for name, asked, outcome, number in connection.execute(query):
                into = counts.setdefault((name, asked), {"wins": 0, "losses": 0, "ties": 0, "none": 0})
                into[{BETTER: decided, TIE: "ties", NONE: "none"}[outcome]] += number
    tallies = [VoteTally(model, style, **counted) for (model, style), counted in counts.items()]
    return sorted(tallies, key=lambda tally: (-tally.share, -tally.wins, tally.model, tally.style))
