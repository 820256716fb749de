"""The board of a comparison: one row per question, one column per model and style, stored as a JSON file."""

import secrets
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tianji_core.errors import InputError
from tianji_core.files import write_text
from tianji_core.i18n import _
from tianji_core.ownership import remove
from tianji_core.recipe import Options, Recipe, Style, asking, crossed, options_text, training_input
from tianji_core.roles import acting_person
from tianji_core.sentences import STORED, Sentence
from tianji_core.serving.client import ChatSampling
from tianji_core.store.database import now
from tianji_core.workspace import Workspace

MAX_CELLS = 400
MAX_CANDIDATES = 5
MAX_CHARACTERS = 20_000
"""Characters of one question; the context of a model that fits one GPU holds no more."""
KEPT = 50
"""Boards kept in the workspace; older files are removed."""

State = Literal["waiting", "streaming", "done", "failed", "stopped"]


class Ask(BaseModel):
    """One row: a receiver and an occasion with options of the recipe's axes, or a free text. ``condition``
    holds the titles of the options."""

    model_config = ConfigDict(frozen=True)

    name: str = ""
    scene: str = ""
    text: str = ""
    options: Options = ()
    condition: str = ""

    @property
    def title(self) -> str:
        """The question as it is shown."""
        return self.text or f"{self.name} × {self.scene}" + (f" · {self.condition}" if self.condition else "")


class Column(BaseModel):
    """One column: which model at which server, in which style.

    ``key_variable`` names the environment variable with the server's key, '' where it needs none; where
    ``temperature`` or ``top_p`` is None, the board's value is used."""

    model_config = ConfigDict(frozen=True)

    url: str
    model: str
    style: str
    key_variable: str = ""
    temperature: float | None = None
    top_p: float | None = None

    @property
    def title(self) -> str:
        """The column as it is shown."""
        return f"{self.model} · {self.style}{self.own_sampling}"

    @property
    def own_sampling(self) -> str:
        """What differs from the board's sampling, as it is shown behind the name; '' for nothing."""
        own = {"T": self.temperature, "top_p": self.top_p}
        return "".join(f" · {name}={value:g}" for name, value in own.items() if value is not None)


class Cell(BaseModel):
    """One answer.

    ``candidate`` counts the answers of one row and column from 0. ``first`` and ``seconds`` are the seconds
    until the first text and until the end; ``tokens`` is None where the server does not report them."""

    row: int
    column: int
    request: str
    candidate: int = 0
    state: State = "waiting"
    text: str = ""
    first: float | None = None
    seconds: float | None = None
    tokens: int | None = None
    error: Sentence = ""

    @property
    def ended(self) -> bool:
        """Whether the answer is complete, failed or was stopped."""
        return self.state in ("done", "failed", "stopped")

    @property
    def answered(self) -> bool:
        """Whether the answer is complete and not blank."""
        return self.state == "done" and bool(self.text.strip())

    @property
    def place(self) -> tuple[int, int, int]:
        """Row, column and candidate, unique within a board."""
        return self.row, self.column, self.candidate

    def clear(self) -> None:
        """Resets the cell so that it can be asked again."""
        self.state, self.text, self.error = "waiting", "", ""
        self.first = self.seconds = self.tokens = None


class Board(BaseModel):
    """One comparison.

    ``key`` is its file name; ``created_at`` is in UTC, ``who`` the account of the person who
    began it. Every column gets the same seed, to which each candidate adds its number."""

    key: str
    created_at: datetime = Field(default_factory=now)
    who: str = ""
    recipe: str
    system: str
    sampling: ChatSampling
    asks: list[Ask]
    columns: list[Column]
    cells: list[Cell]
    candidates: int = 1

    def cell(self, row: int, column: int, candidate: int = 0) -> Cell:
        """Returns one cell."""
        return self.cells[(row * len(self.columns) + column) * self.candidates + candidate]

    def row(self, row: int) -> list[Cell]:
        """Returns the cells of a row."""
        width = len(self.columns) * self.candidates
        return self.cells[row * width : (row + 1) * width]

    def title(self, cell: Cell) -> str:
        """Returns the column and candidate of an answer as they are shown."""
        number = f" #{cell.candidate + 1}" if self.candidates > 1 else ""
        return self.columns[cell.column].title + number

    def sampling_of(self, cell: Cell) -> ChatSampling:
        """Returns the sampling of an answer: the board's, with the column's values and the candidate's
        seed."""
        column, seed = self.columns[cell.column], self.sampling.seed
        return replace(
            self.sampling,
            temperature=self.sampling.temperature if column.temperature is None else column.temperature,
            top_p=self.sampling.top_p if column.top_p is None else column.top_p,
            seed=None if seed is None else (seed + cell.candidate) % 2**31,
        )

    def setting_of(self, cell: Cell) -> str:
        """Returns the sampling of an answer as it is shown beside its model: ``T=0`` or
        ``T=0.7 · top_p=0.9``."""
        sampling = self.sampling_of(cell)
        return f"T={sampling.temperature:g}" + (
            f" · top_p={sampling.top_p:g}" if sampling.temperature else ""
        )

    @property
    def ended(self) -> bool:
        """Whether every cell has ended."""
        return all(cell.ended for cell in self.cells)

    @property
    def finished(self) -> int:
        """The number of cells that have ended."""
        return sum(cell.ended for cell in self.cells)


def request_text(recipe: Recipe, ask: Ask, style_text: str) -> str:
    """Returns the request to a model: the recipe's first wording for a cell, or the free text with the
    style's suffix. A free text that asks for a style in its own words is left as it is.

    Raises:
        InputError: the recipe does not know the name, scene or style.
    """
    style = recipe.style(style_text)
    if style is None:
        raise InputError(_("配方里没有{kind}“{style}”", kind=recipe.words.shown().style, style=style_text))
    if ask.text:
        return ask.text if named_style(recipe, ask) is not None else f"{ask.text}{style.suffix}"
    name, scene = recipe.name(ask.name), recipe.scene(ask.scene)
    if name is None or scene is None:
        raise InputError(_("配方里没有格子“{name} × {scene}”", name=ask.name, scene=ask.scene))
    asked = asking(recipe, style, ask.options)
    return training_input(recipe.input_templates[0], name, scene, asked)


def asks_about(
    recipe: Recipe, names: Sequence[str], scenes: Sequence[str], options: Iterable[tuple[str, str]] = ()
) -> list[Ask]:
    """Returns every name with every scene and every combination of the options."""
    return [
        Ask(name=name, scene=scene, options=each, condition=options_text(recipe, each))
        for name in names
        for scene in scenes
        for each in crossed(recipe, options)
    ]


def named_style(recipe: Recipe, ask: Ask) -> Style | None:
    """Returns the style that a free text asks for in its own words, as in '…,严肃风格'; None where it names
    none. The longest of several counts."""
    named = []
    for style in recipe.styles:
        words = style.suffix.strip(" ,，.。;；:：、")
        if len(words) > 1 and words in ask.text:
            named.append((len(words), style))
    return max(named, key=lambda found: found[0])[1] if named else None


def plan_board(
    recipe: Recipe,
    asks: Sequence[Ask],
    columns: Sequence[Column],
    system: str,
    sampling: ChatSampling,
    candidates: int = 1,
) -> Board:
    """Returns a board of unanswered cells, ``candidates`` for each row and column. A missing seed is drawn
    here, so that every column gets the same one.

    Raises:
        InputError: there is nothing to compare, there are too many cells, a question is empty or too long, or
            the recipe lacks a name, scene or style.
    """
    if not asks or not columns:
        raise InputError(_("请至少选一个问题、一个模型和一种{kind}", kind=recipe.words.shown().style))
    if not 1 <= candidates <= MAX_CANDIDATES:
        raise InputError(_("每格可以要 1 到 {limit} 条，写的是 {n}", limit=MAX_CANDIDATES, n=candidates))
    if len(asks) * len(columns) * candidates > MAX_CELLS:
        raise InputError(
            _(
                "一次最多比较 {limit} 格，现在是 {rows} 行 × {columns} 列 × {n} 条，请少选一些",
                limit=MAX_CELLS,
                rows=len(asks),
                columns=len(columns),
                n=candidates,
            )
        )
    for number, ask in enumerate(asks, start=1):
        check_ask(ask, number)
    cells = [
        Cell(row=row, column=at, candidate=candidate, request=request_text(recipe, ask, column.style))
        for row, ask in enumerate(asks)
        for at, column in enumerate(columns)
        for candidate in range(candidates)
    ]
    seed = secrets.randbelow(2**31) if sampling.seed is None else sampling.seed
    moment = now()
    return Board(
        who=acting_person(),
        key=f"{moment:%Y%m%d-%H%M%S-%f}",
        created_at=moment,
        recipe=recipe.key,
        system=system,
        sampling=replace(sampling, seed=seed),
        asks=list(asks),
        columns=list(columns),
        cells=cells,
        candidates=candidates,
    )


def check_ask(ask: Ask, number: int) -> None:
    """Checks the ``number``-th question.

    Raises:
        InputError: it is empty or too long.
    """
    if not (ask.text.strip() or (ask.name and ask.scene)):
        raise InputError(_("第 {n} 个问题是空的", n=number))
    if len(ask.text) > MAX_CHARACTERS:
        raise InputError(
            _(
                "第 {n} 个问题有 {size:,} 个字，最多 {limit:,} 个；请删短它",
                n=number,
                size=len(ask.text),
                limit=MAX_CHARACTERS,
            )
        )


def _folder(workspace: Workspace) -> Path:
    return workspace.home / "compare"


def save_board(workspace: Workspace, board: Board) -> None:
    """Writes a board to the workspace, and removes the oldest ones beyond ``KEPT``."""
    write_text(
        _folder(workspace) / f"{board.key}.json", board.model_dump_json(indent=1, context=STORED) + "\n"
    )
    for old in board_keys(workspace)[KEPT:]:
        remove(_folder(workspace) / f"{old}.json")


def board_keys(workspace: Workspace) -> list[str]:
    """Returns the keys of the stored boards, newest first."""
    return sorted((path.stem for path in _folder(workspace).glob("*.json")), reverse=True)


def load_board(workspace: Workspace, key: str) -> Board:
    """Returns a stored board; answers that were incomplete when it was written count as stopped.

    Raises:
        InputError: there is none with this key, or its file is broken.
    """
    if key not in board_keys(workspace):
        raise InputError(_("没有编号为 {key} 的对比", key=key))
    path = _folder(workspace) / f"{key}.json"
    try:
        board = Board.model_validate_json(path.read_text(encoding="utf-8"))
    except (OSError, ValidationError) as error:
        raise InputError(_("对比文件 {file} 坏了，请删掉它", file=path)) from error
    for cell in board.cells:
        if not cell.ended:
            cell.state = "stopped"
    return board
