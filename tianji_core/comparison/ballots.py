"""Ballots: which answers of a comparison are judged against each other, and which votes a choice becomes.
Pure."""

import random
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from itertools import combinations

from tianji_core.comparison.board import Board, Cell
from tianji_core.store.votes import BETTER, NONE, TIE, Vote

SHOWN = 9
"""The most answers on one ballot: each is chosen by a digit key."""


@dataclass(frozen=True)
class Ballot:
    """Answers to one question that differ in their words, shown without the models' names.

    They are the answers in one style where that style has several, else those in all styles (``style`` is
    '')."""

    row: int
    style: str
    cells: tuple[Cell, ...]

    @property
    def key(self) -> str:
        """An identifier that is unique within the board."""
        return f"{self.row}-{self.style}-{self.cells[0].column}-{self.cells[0].candidate}"

    def shuffled(self, board: Board, who: str) -> list[Cell]:
        """The answers in a random order that stays the same for one person."""
        order = list(self.cells)
        random.Random(f"{board.key}/{self.key}/{who}").shuffle(order)
        return order

    def decided(self, judged: Collection[frozenset[str]]) -> bool:
        """Whether it has a verdict; ``judged`` holds the pairs of texts that were judged."""
        return any(frozenset((a.text, b.text)) in judged for a, b in combinations(self.cells, 2))


def ballots(board: Board) -> list[Ballot]:
    """Returns the ballots of a board's answered cells, in the order of its questions."""
    listed = []
    for row in range(len(board.asks)):
        cells = _different(cell for cell in board.row(row) if cell.answered)
        by_style: dict[str, list[Cell]] = {}
        for cell in cells:
            by_style.setdefault(board.columns[cell.column].style, []).append(cell)
        groups = {style: group for style, group in by_style.items() if len(group) > 1}
        for style, group in (groups or {"": cells}).items():
            listed += [Ballot(row, style, part) for part in _parts(group) if len(part) > 1]
    return listed


def _different(cells: Iterable[Cell]) -> list[Cell]:
    """The first cell of each text."""
    by_text: dict[str, Cell] = {}
    for cell in cells:
        by_text.setdefault(cell.text.strip(), cell)
    return list(by_text.values())


def _parts(cells: list[Cell]) -> list[tuple[Cell, ...]]:
    """The cells in as few groups of at most ``SHOWN`` as possible, of nearly equal size."""
    number = -(-len(cells) // SHOWN)
    return [tuple(cells[at::number]) for at in range(number)]


def choose(board: Board, ballot: Ballot, winner: Cell) -> list[Vote]:
    """Returns the votes for ``winner`` against every other answer of the ballot, for all models that wrote
    these texts."""
    others = [cell for cell in ballot.cells if cell.text.strip() != winner.text.strip()]
    said = [vote for cell in others for vote in _votes_between(board, winner, cell, BETTER)]
    return _of_ballot(board, ballot, said)


def undecided(board: Board, ballot: Ballot, outcome: str) -> list[Vote]:
    """Returns the votes of a ballot without a winner: ``tie`` (all are equally good) or ``none`` (none is
    good)."""
    assert outcome in (TIE, NONE)
    pairs = combinations(ballot.cells, 2)
    said = [vote for one, other in pairs for vote in _votes_between(board, one, other, outcome)]
    return _of_ballot(board, ballot, said)


def _of_ballot(board: Board, ballot: Ballot, said: Iterable[Vote]) -> list[Vote]:
    return [replace(vote, ballot=f"{board.key}/{ballot.key}") for vote in said]


def _votes_between(board: Board, winner: Cell, loser: Cell, outcome: str) -> list[Vote]:
    """The verdict on two texts, for every pair of models that wrote them."""
    by_pair: dict[tuple[str, ...], Vote] = {}
    for one in identical_answers(board, winner):
        for other in identical_answers(board, loser):
            vote = vote_between(board, one, other, outcome)
            key = (
                *(vote.winner, vote.winner_setting, vote.style),
                *(vote.loser, vote.loser_setting, vote.loser_style),
            )
            by_pair[key] = replace(vote, prompt=winner.request, chosen=winner.text, rejected=loser.text)
    between_models = {key: vote for key, vote in by_pair.items() if key[:3] != key[3:]}
    return list((between_models or by_pair).values())


def identical_answers(board: Board, cell: Cell) -> list[Cell]:
    """Returns the answers of a row with the same text and style as this one, itself included."""
    style, text = board.columns[cell.column].style, cell.text.strip()
    return [
        other
        for other in board.row(cell.row)
        if other.answered and other.text.strip() == text and board.columns[other.column].style == style
    ]


def ballot_of(board: Board, cell: Cell) -> Ballot | None:
    """Returns the ballot that holds an answer, None where there is no other answer to compare it with."""
    for ballot in ballots(board):
        if ballot.row == cell.row and any(other.text.strip() == cell.text.strip() for other in ballot.cells):
            return ballot
    return None


def vote_between(board: Board, winner: Cell, loser: Cell, outcome: str = BETTER) -> Vote:
    """Returns the vote on two answers of one row."""
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
        winner_setting=board.setting_of(winner),
        loser_setting=board.setting_of(loser),
    )
