"""Checked answers of a comparison: marks per answer, totals per column, pass rates per cell of the recipe."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from tianji_core.cleaning.tone import tone
from tianji_core.comparison.board import Board, Cell, named_style
from tianji_core.evaluation.cases import Case
from tianji_core.evaluation.checks import Checker, Verdict
from tianji_core.evaluation.marks import emoji_count
from tianji_core.evaluation.outcome import QuestionOutcome
from tianji_core.evaluation.report import wilson
from tianji_core.i18n import _
from tianji_core.recipe import Recipe, styled

CheckerOf = Callable[[str], Checker]
"""Returns the checker for a model's name, which knows what that model was trained on."""


@dataclass(frozen=True)
class Mark:
    """One remark on an answer; ``good`` is None for a remark that is no judgement."""

    good: bool | None
    text: str

    @property
    def sign(self) -> str:
        """The remark with a tick or a cross."""
        return {True: "✓ ", False: "✗ ", None: ""}[self.good] + self.text


@dataclass(frozen=True)
class Checked:
    """One answer with its checks.

    ``length`` in characters; ``tone`` is the score of the assistant's tone, 0-1, None for a text that is
    no blessing; ``span`` is the style's allowed length. ``verdict`` is None for a free question, whose
    receiver and occasion are unknown; then only ``fits`` (length) and ``styled`` are checked, and they
    are None where the recipe lacks the style."""

    cell: Cell
    length: int
    emoji: int
    tone: float | None
    span: tuple[int, int] | None
    fits: bool | None
    styled: bool | None
    verdict: Verdict | None
    recipe: Recipe

    @property
    def passed(self) -> bool | None:
        """Whether every check passed; None where not all of them apply."""
        return None if self.verdict is None else self.verdict.passed

    def marks(self) -> list[Mark]:
        """Returns the remarks that are shown beside the answer."""
        marks = [Mark(self.fits, self._length_text()), Mark(None, _("{n} 个表情", n=self.emoji))]
        words = self.recipe.words.shown()
        if self.verdict is None:
            return marks if self.styled is None else [*marks, Mark(self.styled, words.style)]
        if self.recipe.receivers:
            marks += [Mark(self.verdict.person, words.name), Mark(self.verdict.pronoun, _("您或你"))]
        marks += [Mark(self.verdict.occasion, words.scene), Mark(self.verdict.style, words.style)]
        return [*marks, Mark(False, _("照抄训练数据"))] if self.verdict.copied else marks

    def _length_text(self) -> str:
        if self.fits is False and self.span is not None:
            return _("{n} 字，应为 {span}", n=self.length, span=f"{self.span[0]}–{self.span[1]}")
        return _("{n} 字", n=self.length)


def check_cell(checker: Checker, board: Board, cell: Cell) -> Checked:
    """Returns one answer with every check that applies to it."""
    recipe, ask = checker.recipe, board.asks[cell.row]
    text = cell.text.strip()
    length, emoji = len(text), emoji_count(text)
    heard = tone(text).score if recipe.blessings else None
    style = named_style(recipe, ask) or recipe.style(board.columns[cell.column].style)
    if style is None:
        return Checked(cell, length, emoji, heard, None, None, None, None, recipe)
    style = styled(recipe, style, ask.options)
    span = (style.min_chars, style.max_chars)
    fits = span[0] <= length <= span[1]
    name, scene = recipe.name(ask.name), recipe.scene(ask.scene)
    if name is None or scene is None:
        shown = checker.marks.of(style.text).shown_by(text)
        return Checked(cell, length, emoji, heard, span, fits, shown, None, recipe)
    verdict = checker.check(Case(name, scene, style, board.system, cell.request, ask.options), text)
    return Checked(cell, length, emoji, heard, span, fits, verdict.style, verdict, recipe)


def check_board(board: Board, checker_of: CheckerOf) -> list[Checked]:
    """Returns every answered cell with its checks, in the order of the board."""
    return [
        check_cell(checker_of(board.columns[cell.column].model), board, cell)
        for cell in board.cells
        if cell.answered
    ]


def outcomes_by_model(board: Board, checked: Sequence[Checked]) -> dict[str, tuple[QuestionOutcome, ...]]:
    """Returns model → the outcomes of its answers about cells of the recipe, in the order of the columns;
    models without such an answer are left out, and so are questions in own words."""
    found: dict[str, list[QuestionOutcome]] = {column.model: [] for column in board.columns}
    for answer in checked:
        ask, column = board.asks[answer.cell.row], board.columns[answer.cell.column]
        if answer.verdict is not None and not ask.text:
            one = QuestionOutcome(
                name=ask.name, scene=ask.scene, style=column.style, passed=answer.verdict.passed
            )
            found[column.model].append(one)
    return {model: tuple(outcomes) for model, outcomes in found.items() if outcomes}


@dataclass(frozen=True)
class Total:
    """The figures of one column.

    Shares are 0-1 and None where nothing could be checked; ``low`` and ``high`` bound ``passed`` with 95 %
    confidence. ``length`` in characters, ``tone`` (0-1) as in
    :mod:`tianji_core.cleaning.tone`, ``first`` in seconds and ``rate`` in tokens per second are means.
    ``failed`` counts cells without an answer."""

    title: str
    model: str
    answered: int
    failed: int
    checked: int
    passed: float | None
    low: float | None
    high: float | None
    person: float | None
    pronoun: float | None
    occasion: float | None
    style: float | None
    fits: float | None
    copied: float | None
    emoji: float | None
    tone: float | None
    length: float | None
    first: float | None
    rate: float | None


def totals(board: Board, checked: Sequence[Checked]) -> list[Total]:
    """Returns the figures of every column of a board, in its order."""
    return [
        _total(board, at, [answer for answer in checked if answer.cell.column == at])
        for at in range(len(board.columns))
    ]


def _total(board: Board, at: int, checked: Sequence[Checked]) -> Total:
    verdicts = [answer.verdict for answer in checked if answer.verdict is not None]
    low = high = None
    if verdicts:
        low, high = wilson(sum(verdict.passed for verdict in verdicts), len(verdicts))
    cells = [cell for cell in board.cells if cell.column == at]
    timed = [cell for cell in cells if cell.answered and cell.tokens and cell.seconds]
    return Total(
        title=board.columns[at].title,
        model=board.columns[at].model,
        answered=len(checked),
        failed=sum(cell.ended and not cell.answered for cell in cells),
        checked=len(verdicts),
        passed=mean(verdict.passed for verdict in verdicts),
        low=low,
        high=high,
        person=mean(verdict.person for verdict in verdicts),
        pronoun=mean(verdict.pronoun for verdict in verdicts),
        occasion=mean(verdict.occasion for verdict in verdicts),
        style=mean(answer.styled for answer in checked if answer.styled is not None),
        fits=mean(answer.fits for answer in checked if answer.fits is not None),
        copied=mean(verdict.copied for verdict in verdicts),
        emoji=mean(answer.emoji for answer in checked),
        tone=mean(answer.tone for answer in checked if answer.tone is not None),
        length=mean(answer.length for answer in checked),
        first=mean(cell.first for cell in cells if cell.answered and cell.first is not None),
        rate=mean((cell.tokens or 0) / (cell.seconds or 1) for cell in timed),
    )


def mean(values: Iterable[float]) -> float | None:
    """Returns the mean, None where there are no values."""
    numbers = list(values)
    return sum(numbers) / len(numbers) if numbers else None


@dataclass(frozen=True)
class HeatMap:
    """Pass rates of one model: ``values[y][x]`` in 0-1 for ``names[y]`` and ``scenes[x]``, None where there
    is no answer; ``counts[y][x]`` are the numbers of answers."""

    model: str
    names: tuple[str, ...]
    scenes: tuple[str, ...]
    values: tuple[tuple[float | None, ...], ...]
    counts: tuple[tuple[int, ...], ...]


def heat_maps(board: Board, checked: Sequence[Checked]) -> list[HeatMap]:
    """Returns a map for each model with answers about cells of the recipe, in the order of the columns.

    A board with a single cell has none: the totals show its rate."""
    passed: dict[str, dict[tuple[str, str], list[bool]]] = {}
    for answer in checked:
        if answer.verdict is not None:
            ask = board.asks[answer.cell.row]
            by_cell = passed.setdefault(board.columns[answer.cell.column].model, {})
            by_cell.setdefault((ask.name, ask.scene), []).append(answer.verdict.passed)
    asked = [ask for ask in board.asks if ask.name and ask.scene and not ask.text]
    names = tuple(dict.fromkeys(ask.name for ask in asked))
    scenes = tuple(dict.fromkeys(ask.scene for ask in asked))
    models = [model for model in dict.fromkeys(column.model for column in board.columns) if model in passed]
    if len(names) * len(scenes) < 2:
        return []
    return [
        HeatMap(
            model,
            names,
            scenes,
            tuple(tuple(mean(passed[model].get((name, scene), ())) for scene in scenes) for name in names),
            tuple(tuple(len(passed[model].get((name, scene), ())) for scene in scenes) for name in names),
        )
        for model in models
    ]
