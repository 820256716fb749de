"""Verbs for comparing models side by side: compare, report."""

import math
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Annotated

import typer

from tianji_core.comparison import (
    MAX_CANDIDATES,
    Ask,
    Board,
    CheckerOf,
    Column,
    Comparer,
    asks_about,
    board_keys,
    board_report,
    check_board,
    judgement,
    load_board,
    plan_board,
    read_asks,
    request_text,
    total_columns,
    totals,
)
from tianji_core.errors import InputError, ServerError
from tianji_core.evaluation import held_out_cases
from tianji_core.evaluation.trained_on import checker_of
from tianji_core.i18n import _
from tianji_core.models import learnt_by_models
from tianji_core.outputs import check_output_file, write_output
from tianji_core.recipe import Recipe, option_named
from tianji_core.serving import ChatSampling
from tianji_core.serving.choosing import top_p_of
from tianji_core.store import recipes
from tianji_core.verbs.common import (
    JsonOption,
    OverwriteOption,
    RecipeOption,
    WorkspaceOption,
    chosen_recipe,
    opened,
    option_pairs,
    show,
    words,
)
from tianji_core.verbs.model_options import (
    AnswerTokensOption,
    EndpointOptions,
    ModelsOption,
    StylesOption,
    TemperatureOption,
    TopPOption,
    chosen_models,
)
from tianji_core.verbs.progress import progress_line
from tianji_core.workspace import Workspace

BoardOption = Annotated[str, typer.Option("--board", help="Key of a comparison; default: the newest.")]


@dataclass(frozen=True)
class QuestionOptions:
    """What is asked: every name with every scene, a free text, questions of a file, held-out cells."""

    name: Annotated[str, typer.Option(help="For whom; several separated by commas.")] = ""
    scene: Annotated[str, typer.Option(help="For which occasions; every name gets every one.")] = ""
    text: Annotated[str, typer.Option(help="A question in your own words.")] = ""
    file: Annotated[
        Path | None, typer.Option(help="Questions in a txt, csv, json or jsonl file.", show_default=False)
    ] = None
    held_out: Annotated[int, typer.Option(min=0, help="So many held-out cells.")] = 0
    option: Annotated[
        list[str] | None,
        typer.Option(help="Ask names and scenes with options: length=short,long.", show_default=False),
    ] = None

    def questions(self, recipe: Recipe) -> list[Ask]:
        """Returns the questions, each once.

        Raises:
            InputError: there is none, an option cannot be read, or the recipe lacks a name or scene.
        """
        names, scenes = words(self.name), words(self.scene)
        if scenes and not recipe.receivers:  # its one name stands for nobody
            names = names or (recipe.names[0].text,)
        if bool(names) != bool(scenes):
            raise InputError(_("--name 和 --scene 要一起给"))
        if self.option and not names:
            raise InputError(_("--option 要和 --name、--scene 一起给"))
        said = recipe.words.shown()
        for kind, find, given in ((said.name, recipe.name, names), (said.scene, recipe.scene, scenes)):
            for text in given:
                if find(text) is None:
                    raise InputError(_("配方里没有{kind}“{text}”", kind=kind, text=text))
        options = [option_named(recipe, *pair) for pair in option_pairs(self.option)]
        asks = asks_about(recipe, names, scenes, options)
        asks += [Ask(text=self.text)] if self.text else []
        if self.file is not None:
            asks += _questions_of_file(recipe, self.file)
        if self.held_out:
            cells = dict.fromkeys((case.name.text, case.scene.text) for case in held_out_cases(recipe))
            asks += [Ask(name=name, scene=scene) for name, scene in list(cells)[: self.held_out]]
        if not asks:
            raise InputError(_("没有问题：用 --name 和 --scene、--text、--file 或 --held-out 给出"))
        return list(dict.fromkeys(asks))


@dataclass(frozen=True)
class DrawOptions:
    """How answers are drawn. Several temperatures or values of top_p become columns of their own."""

    temperature: TemperatureOption = 0.7
    top_p: TopPOption = None
    temperatures: Annotated[str, typer.Option(help="Several, each a column: 0,0.7,1.0")] = ""
    top_ps: Annotated[str, typer.Option(help="Several, each a column: 0.8,0.95")] = ""
    candidates: Annotated[int, typer.Option(min=1, max=MAX_CANDIDATES, help="Answers per cell.")] = 1
    max_tokens: AnswerTokensOption = 512
    seed: Annotated[int, typer.Option(help="The same for every column.")] = 0

    def sampling(self, space: Workspace, names: list[str]) -> ChatSampling:
        """Returns the sampling of every column that has no value of its own; ``names`` are the models."""
        top_p = top_p_of(space, names) if self.top_p is None else self.top_p
        return ChatSampling(self.temperature, top_p, self.max_tokens, self.seed)

    def variants(self) -> list[tuple[float | None, float | None]]:
        """Returns (temperature, top_p) of each variant; None is the board's value.

        Raises:
            InputError: a value is no number or out of bounds.
        """
        temperatures: list[float | None] = [*map(_temperature, words(self.temperatures))] or [None]
        top_ps: list[float | None] = [*map(_top_p, words(self.top_ps))] or [None]
        return list(product(temperatures, top_ps))


def compare(
    questions: QuestionOptions = QuestionOptions(),
    styles: StylesOption = "",
    model: ModelsOption = "",
    endpoint: EndpointOptions = EndpointOptions(),
    drawing: DrawOptions = DrawOptions(),
    report: Annotated[
        Path | None, typer.Option(help="Also write an HTML page to this file.", show_default=False)
    ] = None,
    overwrite: OverwriteOption = False,
    recipe: RecipeOption = None,
    as_json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Put the same questions to several models and styles at once; the answers are kept and can be voted
    on."""
    space = opened(workspace)
    stored = recipes.current(space.engine, chosen_recipe(space, recipe)).recipe
    asks = questions.questions(stored)
    chosen_styles = list(words(styles)) or [style.text for style in stored.styles if style.enabled]
    for ask, style in product(asks, chosen_styles):  # refuse before a server is started
        request_text(stored, ask, style)
    if report is not None:
        check_output_file(space, report, overwrite)
    variants = drawing.variants()
    endpoint.key(space)
    names = list(words(model)) if endpoint.url else chosen_models(space, model)
    if not names:
        raise InputError(_("用 --url 时要用 --model 写明模型名"))
    with endpoint.answering(space, names) as address:
        columns = [
            Column(
                url=address,
                model=name,
                style=style,
                key_variable=endpoint.key_variable,
                temperature=temperature,
                top_p=top_p,
            )
            for style, name, (temperature, top_p) in product(chosen_styles, names, variants)
        ]
        sampling, system = drawing.sampling(space, names), stored.prompts.system
        board = plan_board(stored, asks, columns, system, sampling, drawing.candidates)
        comparer = Comparer(space)
        comparer.start(board)
        with progress_line(_("对比"), quiet=as_json) as progress:
            board = comparer.wait(board.key, lambda now: progress(now.finished, len(now.cells)))
    if not any(cell.answered for cell in board.cells):
        raise ServerError(next((cell.error for cell in board.cells if cell.error), _("每个回答都是空的")))
    if report is not None:
        _write_report(space, stored, board, report, overwrite)
    _show_board(space, stored, board, as_json)


def _number(text: str) -> float:
    """Returns the number in a text, NaN where there is none, so that every check of bounds fails."""
    try:
        return float(text)
    except ValueError:
        return math.nan


def _temperature(text: str) -> float:
    if not 0 <= _number(text) <= 2:
        raise InputError(_("温度应当是 0 到 2 的数，写的是 {text}", text=text))
    return _number(text)


def _top_p(text: str) -> float:
    if not 0 < _number(text) <= 1:
        raise InputError(_("top_p 应当大于 0、不超过 1，写的是 {text}", text=text))
    return _number(text)


def _questions_of_file(recipe: Recipe, file: Path) -> list[Ask]:
    try:
        data = file.read_bytes()
    except OSError as error:
        raise InputError(_("读不了 {file}：{detail}", file=file, detail=error.strerror)) from error
    return read_asks(recipe, file.name, data)


def _checkers(space: Workspace, recipe: Recipe, board: Board) -> CheckerOf:
    made = {column.model: checker_of(space, recipe, column.model) for column in board.columns}
    return made.__getitem__


def _show_board(space: Workspace, recipe: Recipe, board: Board, as_json: bool) -> None:
    checked = check_board(board, _checkers(space, recipe, board))
    passed = {one.cell.place: one.passed for one in checked}
    answers = [
        {
            "board": board.key,
            "who": board.who,
            "style": board.columns[cell.column].style,
            "model": board.columns[cell.column].model,
            "temperature": board.sampling_of(cell).temperature,
            "candidate": cell.candidate,
            "request": cell.request,
            "answer": cell.text.strip() if not cell.error else f"⚠ {cell.error}",
            "passed": passed.get(cell.place),
        }
        for cell in board.cells
    ]
    signs = {True: "✓", False: "✗", None: " "}
    lines = [
        f"[{board.title(cell)}] {signs[passed.get(cell.place)]} {answer['answer']}"
        for cell, answer in zip(board.cells, answers, strict=True)
    ]
    lines.append("")
    for total in totals(board, checked):
        lines.append("  ".join(f"{title} {shown(total)}" for title, shown in total_columns(recipe)[:5]))
    lines.append(_("这次对比的编号：{key}", key=board.key))
    show(answers, as_json, "\n".join(lines))


def kept_board(space: Workspace, key: str) -> Board:
    """Returns the stored comparison with this key, the newest one for ''.

    Raises:
        InputError: there is no such comparison, or its file is damaged.
    """
    kept = board_keys(space)
    if not kept:
        raise InputError(_("还没有对比过：先用 compare 比一次"))
    return load_board(space, key or kept[0])


def _write_report(space: Workspace, recipe: Recipe, board: Board, path: Path, overwrite: bool) -> None:
    learnt = learnt_by_models(space, (column.model for column in board.columns))
    page = board_report(recipe, board, _checkers(space, recipe, board), judgement(space, board), learnt)
    write_output(space, path, page, overwrite)


def report(
    output: Annotated[Path, typer.Option(help="The HTML file to write.")],
    board: BoardOption = "",
    overwrite: OverwriteOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Write a comparison as one HTML page that opens anywhere, without a network."""
    space = opened(workspace)
    kept = kept_board(space, board)
    stored = recipes.current(space.engine, kept.recipe).recipe
    _write_report(space, stored, kept, output, overwrite)
    show(None, False, _("写好了 {file}", file=output))
