"""A board as a matrix: a row for each question and style, a column for each model."""

from collections.abc import Sequence
from dataclasses import dataclass

from tianji_core.comparison.board import Board, Cell, Column
from tianji_core.comparison.marks import Checked


@dataclass(frozen=True)
class MatrixColumn:
    """One model with its own sampling: ``columns`` are the numbers of its columns in the board by style."""

    first: Column
    columns: dict[str, int]


@dataclass(frozen=True)
class Passed:
    """How many of the answers of a model that could be checked pass every check."""

    passed: int
    checked: int

    @property
    def share(self) -> float | None:
        """0-1, None where no answer could be checked."""
        return self.passed / self.checked if self.checked else None


def matrix_columns(board: Board) -> list[MatrixColumn]:
    """Returns the models of a board in its order."""
    found: dict[Column, MatrixColumn] = {}
    for at, column in enumerate(board.columns):
        model = column.model_copy(update={"style": ""})
        found.setdefault(model, MatrixColumn(column, {})).columns[column.style] = at
    return list(found.values())


def styles_of(board: Board) -> list[str]:
    """Returns the styles of a board in its order."""
    return list(dict.fromkeys(column.style for column in board.columns))


def answers(board: Board, row: int, column: MatrixColumn, style: str) -> list[Cell]:
    """Returns the candidates of a model for a question in a style; none where it was not asked in it."""
    at = column.columns.get(style)
    return [] if at is None else [board.cell(row, at, candidate) for candidate in range(board.candidates)]


def passed(column: MatrixColumn, checked: Sequence[Checked]) -> Passed:
    """Returns how many answers of a model pass."""
    own = [one for one in checked if one.cell.column in column.columns.values() and one.passed is not None]
    return Passed(sum(one.passed is True for one in own), len(own))
