"""Reads the questions of a comparison from a file: one per line, a table, or JSON."""

import io
import json
from collections.abc import Iterable, Mapping
from typing import Any

from tianji_core.comparison.board import MAX_CELLS, Ask, check_ask
from tianji_core.errors import CsvError, InputError
from tianji_core.i18n import _
from tianji_core.recipe import Recipe
from tianji_core.spreadsheet import csv_rows

QUESTION_FILE_TYPES = ("txt", "csv", "json", "jsonl")
MAX_BYTES = 4_000_000
_NAME = ("name", "称谓", "送给谁")
_SCENE = ("scene", "场景", "场合")
_TEXT = ("text", "prompt", "input", "question", "问题", "输入")


def read_asks(recipe: Recipe, file: str, data: bytes) -> list[Ask]:
    """Returns the questions of a file.

    ``.txt`` holds one per line, empty lines are skipped; ``.csv`` has a header with name and scene
    (称谓、场景) or text (问题); ``.json`` and ``.jsonl`` hold texts, objects with these fields, or the
    conversations of a training file.

    Raises:
        InputError: the file or one of its entries cannot be used; names the entry.
    """
    form = file.rsplit(".", 1)[-1].lower()
    if form not in QUESTION_FILE_TYPES:
        known = _("、").join(f".{kind}" for kind in QUESTION_FILE_TYPES)
        raise InputError(_("读不了 {file}：要的是 {known} 文件", file=file, known=known))
    if len(data) > MAX_BYTES:
        raise InputError(
            _("{file} 太大了（最多 {mb} MB），这里只要问题，不要数据集", file=file, mb=MAX_BYTES // 10**6)
        )
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(_("{file} 不是 UTF-8 编码的文本，请另存为 UTF-8", file=file)) from error
    asks = [
        _ask(recipe, file, number, entry)
        for number, entry in enumerate(_entries(recipe, file, form, text), 1)
    ]
    if not asks:
        raise InputError(_("{file} 里没有问题", file=file))
    if len(asks) > MAX_CELLS:
        raise InputError(
            _("{file} 有 {n} 个问题，一次最多 {limit} 个", file=file, n=len(asks), limit=MAX_CELLS)
        )
    return asks


def _entries(recipe: Recipe, file: str, form: str, text: str) -> Iterable[Any]:
    if form == "txt":
        return [line for line in text.splitlines() if line.strip()]
    if form == "csv":
        try:
            rows = [cells for _line, cells in csv_rows(io.StringIO(text)) if cells]
        except CsvError as error:
            raise InputError(_("{file} 不是合法的 CSV：{detail}", file=file, detail=error)) from error
        header = [name.strip() for name in rows[0]] if rows else []
        words = recipe.words
        known = (*_NAME, *_SCENE, *_TEXT, words.name, words.to_whom, words.scene, words.what_for)
        if not any(name in known for name in header):
            raise InputError(
                _(
                    "{file} 的第一行要有列名：{name}和{scene}，或者问题",
                    file=file,
                    name=words.shown().name,
                    scene=words.shown().scene,
                )
            )
        return [dict(zip(header, cells, strict=False)) for cells in rows[1:]]
    try:
        if form == "jsonl":
            return [json.loads(line) for line in io.StringIO(text, newline=None) if line.strip()]
        value = json.loads(text)
    except json.JSONDecodeError as error:
        raise InputError(_("{file} 不是合法的 JSON（第 {line} 行）", file=file, line=error.lineno)) from error
    except (ValueError, RecursionError) as error:  # a number of thousands of digits, or nested too deeply
        raise InputError(_("{file} 的 JSON 套得太深，或者数字太长，不是问题", file=file)) from error
    if not isinstance(value, list):
        raise InputError(_("{file} 里应当是一个 JSON 列表", file=file))
    return value


def _ask(recipe: Recipe, file: str, number: int, entry: Any) -> Ask:
    if isinstance(entry, str):
        ask = Ask(text=entry.strip())
    elif isinstance(entry, Mapping):
        turns = entry.get("conversation")
        if isinstance(turns, list) and turns and isinstance(turns[0], Mapping):
            entry = turns[0]
        text = _field(entry, _TEXT)
        words = recipe.words
        name = (
            _field(entry, (*_NAME, words.name, words.to_whom)) if recipe.receivers else recipe.names[0].text
        )
        scene = _field(entry, (*_SCENE, words.scene, words.what_for))
        ask = Ask(text=text) if text else Ask(name=name, scene=scene)
    else:
        raise InputError(
            _("{file} 第 {n} 项应当是一句话，或者写明给谁、为了什么的对象，现在是 {shown}", file=file, n=number, shown=str(entry)[:40])
        )  # fmt: skip
    try:
        check_ask(ask, number)
    except InputError as error:
        raise InputError(f"{file}：{error}") from error
    if not ask.text:
        for entry_of_recipe, kind, text in (
            (recipe.name(ask.name), recipe.words.shown().name, ask.name),
            (recipe.scene(ask.scene), recipe.words.shown().scene, ask.scene),
        ):
            if entry_of_recipe is None:
                raise InputError(
                    _("{file} 第 {n} 项：配方里没有{kind}“{text}”", file=file, n=number, kind=kind, text=text)
                )
    return ask


def _field(entry: Mapping[Any, Any], names: tuple[str, ...]) -> str:
    """The first of the fields ``names`` that holds a text, '' where none does."""
    plain = {str(key).strip(): value for key, value in entry.items()}
    text = next((plain[name] for name in names if isinstance(plain.get(name), str)), "")
    return text.strip()
