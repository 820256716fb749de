"""Which answers of a comparison are judged against each other, in which order, and what a choice means. Pure."""

import random
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from itertools import combinations

from tianji_core.comparison.board import Board, Cell
from tianji_core.store.votes import BETTER, NONE, TIE, Vote

SHOWN = 9
"""Answers on one ballot: one key each."""


@dataclass(frozen=True)
class Ballot:
    """Answers to one question, of different words, without names: those of one style where there are several, else those
    of all styles (``style`` is '' then)."""

    row: int
    style: str
    cells: tuple[Cell, ...]

    @property
    def key(self) -> str:
        """Tells the ballots of a board apart."""
        return f"{self.row}-{self.style}-{self.cells[0].column}-{self.cells[0].candidate}"

    def shuffled(self, board: Board, who: str) -> list[Cell]:
        """The answers in an order that stays the same for one person and says nothing about where they come from."""
        order = list(self.cells)
        random.Random(f"{board.key}/{self.key}/{who}").shuffle(order)
        return order

    def decided(self, known: Collection[frozenset[str]]) -> bool:
        """Whether there is a verdict on it; ``known`` holds the pairs of answers with one."""
        return any(frozenset((a.text, b.text)) in known for a, b in combinations(self.cells, 2))


def ballots(board: Board) -> list[Ballot]:
    """Every ballot of a board, as far as it is answered."""
    found = []
    for row in range(len(board.asks)):
        cells = _different(cell for cell in board.row(row) if cell.answered)
        by_style: dict[str, list[Cell]] = {}
        for cell in cells:
            by_style.setdefault(board.columns[cell.column].style, []).append(cell)
        groups = {style: group for style, group in by_style.items() if len(group) > 1}
        for style, group in (groups or {"": cells}).items():
            found += [Ballot(row, style, part) for part in _parts(group) if len(part) > 1]
    return found


def _different(cells: Iterable[Cell]) -> list[Cell]:
    found: dict[str, Cell] = {}
    for cell in cells:
        found.setdefault(cell.text.strip(), cell)
    return list(found.values())


def _parts(cells: list[Cell]) -> list[tuple[Cell, ...]]:
    number = -(-len(cells) // SHOWN)
    return [tuple(cells[at::number]) for at in range(number)]


def choose(board: Board, ballot: Ballot, winner: Cell) -> list[Vote]:
    """``winner`` is better than every other answer of the ballot, and so is every model that wrote the same words."""
    others = [cell for cell in ballot.cells if cell.text.strip() != winner.text.strip()]
    return [vote for cell in others for vote in _votes_between(board, winner, cell, BETTER)]


def undecided(board: Board, ballot: Ballot, outcome: str) -> list[Vote]:
    """All answers of the ballot are as good as each other (``tie``), or none is good (``none``)."""
    assert outcome in (TIE, NONE)
    pairs = combinations(ballot.cells, 2)
    return [vote for one, other in pairs for vote in _votes_between(board, one, other, outcome)]


def _votes_between(board: Board, winner: Cell, loser: Cell, outcome: str) -> list[Vote]:
    """The verdict for everybody who wrote one of the two texts. The texts are those of ``winner`` and ``loser``."""
    found: dict[tuple[str, str, str, str], Vote] = {}
    for one in identical_answers(board, winner):
        for other in identical_answers(board, loser):
            vote = vote_between(board, one, other, outcome)
            key = (vote.winner, vote.style, vote.loser, vote.loser_style)
            found[key] = replace(vote, prompt=winner.request, chosen=winner.text, rejected=loser.text)
    own = {key: vote for key, vote in found.items() if key[:2] != key[2:]}
    return list((own or found).values())


def identical_answers(board: Board, cell: Cell) -> list[Cell]:
    """The answers of a row in the same words and style as this one, itself among them."""
    style, text = board.columns[cell.column].style, cell.text.strip()
    return [
        each
        for each in board.row(cell.row)
        if each.answered and each.text.strip() == text and board.columns[each.column].style == style
    ]


def ballot_of(board: Board, cell: Cell) -> Ballot | None:
    """The ballot on which an answer stands; None where it has nothing to be compared with."""
    for ballot in ballots(board):
        if ballot.row == cell.row and any(each.text.strip() == cell.text.strip() for each in ballot.cells):
            return ballot
    return None


def vote_between(board: Board, winner: Cell, loser: Cell, outcome: str = BETTER) -> Vote:
    """The verdict on two answers of one row."""
    ask, won, lost = board.asks[winner.row], board.columns[winner.column], board.columns[loser.column]
    return Vote(
        recipe=board.recipe,
        system=board.system,
        prompt=winner.request,
        winner=won.model,
        style=won.style,
        chosen=winner.text,
        loser=lost.model,
        loser_style=lost.style,
        rejected=loser.text,
        name=ask.name,
        scene=ask.scene,
        outcome=outcome,
    )
