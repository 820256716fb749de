"""Few-shot examples of styles from a file: a JSON object (style → texts), a JSON list, a text with one
example per line, or a CSV."""

import io
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from tianji_core.errors import CsvError, GateError, RecipeError
from tianji_core.gate import read_json, standard_characters
from tianji_core.i18n import _
from tianji_core.recipe.editing import edit_style
from tianji_core.recipe.model import Recipe, normalise
from tianji_core.recipe.tables import LARGEST, Status
from tianji_core.spreadsheet import csv_rows, plain_cell

_TEXT = ("text", "output", "example", "answer", "示例", "内容", "正文", "例句")
_STYLE = ("style", "style_name", "风格", "文风", "语气")
_LONGEST = 4000
FILE_TYPES = ("json", "txt", "csv", "tsv")


class BankRow(NamedTuple):
    """One example of a file for ``style``; ``message`` says why it is not new, or that its length is outside
    of the style's limits."""

    number: int
    style: str
    text: str
    status: Status
    message: str


def read_bank(recipe: Recipe, file: str, text: str, style: str) -> list[BankRow]:
    """Returns the examples in a file named ``file``; those that name no style are for ``style``. Empty ones
    are left out.

    Raises:
        RecipeError: the file is too long, not of its form, or holds no example.
    """
    if len(text) > LARGEST:
        raise RecipeError(_("{file} 太长了，最多 {n:,} 个字符", file=file, n=LARGEST))
    text = standard_characters(text.removeprefix("\ufeff"))
    form = file.rsplit(".", 1)[-1].lower()
    rows = _rows(recipe, style, _entries(file, form, text, (style, recipe.words.style)))
    if not rows:
        raise RecipeError(_("{file} 里没有示例", file=file))
    return rows


def rows_of_texts(recipe: Recipe, style: str, texts: Iterable[str]) -> list[BankRow]:
    """Returns texts as examples for ``style``; empty ones are left out."""
    return _rows(recipe, style, (("", standard_characters(text)) for text in texts))


def _rows(recipe: Recipe, style: str, entries: Iterable[tuple[str, Any]]) -> list[BankRow]:
    """Returns what becomes of entries, each a style or '' and a text."""
    seen = {(each.text, normalise(example)) for each in recipe.styles for example in each.examples}
    rows = []
    for number, (named, said) in enumerate(entries, start=1):
        if isinstance(said, str) and not said.strip():
            continue
        rows.append(_row(recipe, number, named or style, said, seen))
    return rows


def add_bank(recipe: Recipe, rows: Iterable[BankRow]) -> Recipe:
    """Returns the recipe with the new rows at the end of the examples of their styles.

    Raises:
        RecipeError: none is new.
    """
    fresh: dict[str, list[str]] = {}
    for row in rows:
        if row.status is Status.NEW:
            fresh.setdefault(row.style, []).append(row.text)
    if not fresh:
        raise RecipeError(_("没有可以加入的新行"))
    for text, examples in fresh.items():
        style = recipe.style(text)
        recipe = edit_style(recipe, text, examples=(*(style.examples if style else ()), *examples))
    return recipe


def _row(recipe: Recipe, number: int, named: str, said: Any, seen: set[tuple[str, str]]) -> BankRow:
    style = recipe.style(named.strip())
    if style is None:
        return BankRow(
            number,
            named,
            _shown(said),
            Status.WRONG,
            _("没有{kind}“{style}”", kind=recipe.words.shown().style, style=named[:40]),
        )
    if not isinstance(said, str):
        return BankRow(number, named, _shown(said), Status.WRONG, _("不是一段文字"))
    text = said.strip()
    if len(text) > _LONGEST:
        return BankRow(number, named, text[:80], Status.WRONG, _("太长，最多 {n} 个字", n=_LONGEST))
    if "\n" in text and not style.several_lines:
        return BankRow(number, named, text, Status.WRONG, _("有好几行，“{style}”只写一行", style=style.text))
    key = (style.text, normalise(text))
    if key in seen:
        return BankRow(number, style.text, text, Status.DUPLICATE, _("已经有了"))
    seen.add(key)
    fits = style.min_chars <= len(text) <= style.max_chars
    limits = {"n": len(text), "low": style.min_chars, "high": style.max_chars}
    return BankRow(
        number, style.text, text, Status.NEW, "" if fits else _("{n} 字，应当是 {low}-{high} 字", **limits)
    )


def _shown(said: Any) -> str:
    return str(said)[:80]


def _entries(file: str, form: str, text: str, titled: tuple[str, str]) -> Iterator[tuple[str, Any]]:
    """Yields (style or '', text) of each example."""
    if form == "json":
        try:
            value = read_json(text)
        except GateError as error:
            raise RecipeError(f"{file}：{error}") from error
        yield from _json_entries(file, value)
    elif form in ("csv", "tsv"):
        try:
            yield from _csv_entries(text, "\t" if form == "tsv" else ",", titled[1])
        except CsvError as error:
            raise RecipeError(_("这不是能读的 CSV：{detail}", detail=error)) from error
    elif form == "txt":
        yield from (("", line) for line in text.splitlines())
    else:
        known = _("、").join(f".{each}" for each in FILE_TYPES)
        raise RecipeError(_("读不了 {file}：要的是 {known} 文件", file=file, known=known))


def _json_entries(file: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for style, texts in value.items():
            for said in texts if isinstance(texts, list) else [texts]:
                yield str(style), _field(said, _TEXT) if isinstance(said, dict) else said
    elif isinstance(value, list):
        for said in value:
            if isinstance(said, dict):
                named = _field(said, _STYLE)
                yield named if isinstance(named, str) else "", _field(said, _TEXT)
            else:
                yield "", said
    else:
        raise RecipeError(_("{file} 里应当是一个 JSON 列表，或“写法: 示例”的 JSON 对象", file=file))


def _field(entry: dict[str, Any], names: Sequence[str]) -> Any:
    return next((entry[name] for name in names if name in entry), "" if names is _STYLE else entry)


def _csv_entries(text: str, delimiter: str, style_title: str) -> Iterator[tuple[str, Any]]:
    rows = [cells for _line, cells in csv_rows(io.StringIO(text), delimiter)]
    head = [cell.strip() for cell in rows[0]] if rows else []
    at = next((place for place, cell in enumerate(head) if cell in _TEXT), None)
    style = next(
        (place for place, cell in enumerate(head) if cell.lower() in (*_STYLE, style_title.lower())), None
    )
    if at is None:
        yield from (("", cells[0]) for cells in rows if cells)
        return
    for cells in rows[1:]:
        if at < len(cells):
            named = cells[style] if style is not None and style < len(cells) else ""
            yield plain_cell(named.strip()), plain_cell(cells[at])
