"""Verbs that put models side by side: compare, report."""

import contextlib
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from tianji_core.comparison import (
    MAX_CANDIDATES,
    TOTAL_COLUMNS,
    Ask,
    Board,
    CheckerOf,
    Column,
    Comparer,
    board_keys,
    board_report,
    check_board,
    judgement,
    load_board,
    plan_board,
    read_asks,
    request_text,
    totals,
)
from tianji_core.errors import InputError, ServerError
from tianji_core.evaluation import held_out_cases
from tianji_core.evaluation.trained_on import checker_of
from tianji_core.files import write_text
from tianji_core.i18n import _
from tianji_core.recipe import Recipe
from tianji_core.serving import ChatSampling
from tianji_core.store import recipes
from tianji_core.verbs.common import (
    JsonOption,
    RecipeOption,
    WorkspaceOption,
    chosen_recipe,
    opened,
    show,
    words,
)
from tianji_core.verbs.talking import (
    KeyOption,
    ModelsOption,
    TemperatureOption,
    UrlOption,
    answering,
    chosen_key,
    chosen_models,
)
from tianji_core.workspace import Workspace

BoardOption = Annotated[str, typer.Option("--board", help="Key of a comparison; default: the newest.")]


def compare(
    name: Annotated[str, typer.Option(help="For whom; several separated by commas.")] = "",
    scene: Annotated[str, typer.Option(help="For which occasions; every name gets every one.")] = "",
    text: Annotated[str, typer.Option(help="A question in your own words.")] = "",
    file: Annotated[
        Path | None, typer.Option(help="Questions in a txt, csv, json or jsonl file.", show_default=False)
    ] = None,
    held_out: Annotated[int, typer.Option(min=0, help="So many held-out cells.")] = 0,
    styles: Annotated[str, typer.Option(help="Styles separated by commas; default: every enabled one.")] = "",
    model: ModelsOption = "",
    url: UrlOption = "",
    key_variable: KeyOption = "",
    temperature: TemperatureOption = 0.7,
    temperatures: Annotated[str, typer.Option(help="Several, each a column: 0,0.7,1.0")] = "",
    top_ps: Annotated[str, typer.Option(help="Several, each a column: 0.8,0.95")] = "",
    candidates: Annotated[int, typer.Option(min=1, max=MAX_CANDIDATES, help="Answers per cell.")] = 1,
    max_tokens: Annotated[int, typer.Option(min=1, help="Longest answer in tokens.")] = 512,
    seed: Annotated[int, typer.Option(help="The same for every column.")] = 0,
    report: Annotated[
        Path | None, typer.Option(help="Also write an HTML page to this file.", show_default=False)
    ] = None,
    recipe: RecipeOption = None,
    as_json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Put the same questions to several models and styles at once; the answers are kept and can be voted on."""
    space = opened(workspace)
    stored = recipes.current(space.engine, chosen_recipe(space, recipe)).recipe
    asks = _questions(stored, words(name), words(scene), text, file, held_out)
    chosen = list(words(styles)) or [s.text for s in stored.styles if s.enabled]
    for ask in asks:
        for style in chosen:  # before a server is started
            request_text(stored, ask, style)
    warm: list[float | None] = [*map(_temperature, words(temperatures))] or [None]
    shares: list[float | None] = [*map(_top_p, words(top_ps))] or [None]
    chosen_key(space, key_variable)
    names = list(words(model)) if url else chosen_models(space, model)
    if not names:
        raise InputError(_("用 --url 时要用 --model 写明模型名"))
    sampling = ChatSampling(temperature=temperature, max_tokens=max_tokens, seed=seed)
    with contextlib.nullcontext(url) if url else answering(space, names) as address:
        columns = [
            Column(
                url=address,
                model=each,
                style=style,
                key_variable=key_variable,
                temperature=degree,
                top_p=share,
            )
            for style in chosen
            for each in names
            for degree in warm
            for share in shares
        ]
        board = plan_board(stored, asks, columns, stored.prompts.system, sampling, candidates)
        comparer = Comparer(space)
        comparer.start(board)
        board = comparer.wait(board.key)
    if not any(cell.answered for cell in board.cells):
        raise ServerError(next((cell.error for cell in board.cells if cell.error), _("每个回答都是空的")))
    if report is not None:
        _write_report(space, stored, board, report)
    _show_board(space, stored, board, as_json)


def _number(text: str) -> float:
    """The number that a text says, NaN for none: it lies between no bounds."""
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


def _questions(
    recipe: Recipe, names: Sequence[str], scenes: Sequence[str], text: str, file: Path | None, held_out: int
) -> list[Ask]:
    if bool(names) != bool(scenes):
        raise InputError(_("--name 和 --scene 要一起给"))
    for kind, find, given in ((_("称谓"), recipe.name, names), (_("场景"), recipe.scene, scenes)):
        for each in given:
            if find(each) is None:
                raise InputError(_("配方里没有{kind}“{text}”", kind=kind, text=each))
    asks = [Ask(name=whom, scene=what) for whom in names for what in scenes]
    asks += [Ask(text=text)] if text else []
    if file is not None:
        try:
            data = file.read_bytes()
        except OSError as error:
            raise InputError(_("读不了 {file}：{detail}", file=file, detail=error.strerror)) from error
        asks += read_asks(recipe, file.name, data)
    if held_out:
        cells = dict.fromkeys((case.name.text, case.scene.text) for case in held_out_cases(recipe))
        asks += [Ask(name=whom, scene=what) for whom, what in list(cells)[:held_out]]
    if not asks:
        raise InputError(_("没有问题：用 --name 和 --scene、--text、--file 或 --held-out 给出"))
    return list(dict.fromkeys(asks))


def _checkers(space: Workspace, recipe: Recipe, board: Board) -> CheckerOf:
    made = {column.model: checker_of(space, recipe, column.model) for column in board.columns}
    return made.__getitem__


def _show_board(space: Workspace, recipe: Recipe, board: Board, as_json: bool) -> None:
    checked = check_board(board, _checkers(space, recipe, board))
    passed = {(one.cell.row, one.cell.column, one.cell.candidate): one.passed for one in checked}
    rows = [
        {
            "board": board.key,
            "style": board.columns[cell.column].style,
            "model": board.columns[cell.column].model,
            "temperature": board.sampling_of(cell).temperature,
            "candidate": cell.candidate,
            "request": cell.request,
            "answer": cell.text.strip() if not cell.error else f"⚠ {cell.error}",
            "passed": passed.get((cell.row, cell.column, cell.candidate)),
        }
        for cell in board.cells
    ]
    signs = {True: "✓", False: "✗", None: " "}
    lines = [
        f"[{board.title(cell)}] {signs[passed.get((cell.row, cell.column, cell.candidate))]} {row['answer']}"
        for cell, row in zip(board.cells, rows, strict=True)
    ]
    found = totals(board, checked)
    lines += [
        "",
        *("  ".join(f"{head()} {tell(each)}" for head, tell in TOTAL_COLUMNS[:5]) for each in found),
    ]
    lines.append(_("这次对比的编号：{key}", key=board.key))
    show(rows, as_json, "\n".join(lines))


def kept_board(space: Workspace, key: str) -> Board:
    kept = board_keys(space)
    if not kept:
        raise InputError(_("还没有对比过：先用 compare 比一次"))
    return load_board(space, key or kept[0])


def _write_report(space: Workspace, recipe: Recipe, board: Board, path: Path) -> None:
    page = board_report(recipe, board, _checkers(space, recipe, board), judgement(space, board))
    write_text(path, page)


def report(
    output: Annotated[Path, typer.Option(help="The HTML file to write.")],
    board: BoardOption = "",
    workspace: WorkspaceOption = None,
) -> None:
    """Write a comparison as one HTML page that opens anywhere, without a network."""
    space = opened(workspace)
    found = kept_board(space, board)
    stored = recipes.current(space.engine, found.recipe).recipe
    _write_report(space, stored, found, output)
    show(None, False, _("写好了 {file}", file=output))
