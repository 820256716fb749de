"""The lists of a recipe as rows of text: pasting many entries, CSV import and export. Headers and values are
Chinese or field names, independent of the language of the pages."""

import contextlib
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ValidationError

from tianji_core.errors import CsvError, RecipeError
from tianji_core.gate import standard_characters
from tianji_core.i18n import N_, _
from tianji_core.recipe.editing import (
    ListRow,
    changed,
    edit_facts,
    edit_lines,
    edit_names,
    edit_scenes,
    edit_styles,
    people_of,
)
from tianji_core.recipe.facts import Fact
from tianji_core.recipe.loading import explain
from tianji_core.recipe.model import Name, Recipe, Scene, Style, check_input_template, normalise
from tianji_core.spreadsheet import csv_row, csv_rows, plain_cell


class Listing(StrEnum):
    """One of a recipe's lists."""

    NAMES = "names"
    SCENES = "scenes"
    STYLES = "styles"
    CLAUSES = "clauses"
    TEMPLATES = "templates"
    FACTS = "facts"


HEADERS: dict[Listing, dict[str, str]] = {
    Listing.NAMES: {"text": "称谓", "relation": "关系", "pronoun": "称呼", "enabled": "启用"},
    Listing.SCENES: {"text": "场景", "kind": "类别", "greeting": "说成一句话", "enabled": "启用"},
    Listing.STYLES: {
        "text": "风格",
        "instruction": N_("要求"),
        "min_chars": "最少字数",
        "max_chars": "最多字数",
        "suffix": "触发后缀",
        "enabled": "启用",
        "examples": "示例",
        "several_lines": "可分行",
    },
    Listing.CLAUSES: {"text": "随机注入", "enabled": "启用"},
    Listing.TEMPLATES: {"text": "训练输入", "enabled": "启用"},
    Listing.FACTS: {"text": N_("细节"), "names": "称谓", "relations": "关系", "enabled": "启用"},
}
"""Field → column title, in the order of a CSV. Examples are one per line within their cell."""
_MODELS: dict[Listing, type[BaseModel]] = {
    Listing.NAMES: Name,
    Listing.SCENES: Scene,
    Listing.STYLES: Style,
    Listing.FACTS: Fact,
}
LARGEST = 2_000_000
"""Characters of a pasted text or a CSV file."""
_NO = {"否", "不", "停用", "关", "0", "false", "no", "off", "n"}


def headers(recipe: Recipe, listing: Listing) -> dict[str, str]:
    """Returns field → column title, as :data:`HEADERS` but with the recipe's words for its lists."""
    words = {
        (Listing.NAMES, "text"): recipe.words.name,
        (Listing.SCENES, "text"): recipe.words.scene,
        (Listing.STYLES, "text"): recipe.words.style,
        (Listing.FACTS, "names"): recipe.words.name,
    }
    return {field: words.get((listing, field), title) for field, title in HEADERS[listing].items()}


def _codes(recipe: Recipe) -> dict[str, dict[str, str]]:
    """Returns column → title → id of what its cells may say."""
    return {
        "relation": {kind.title: kind.id for kind in recipe.relations},
        "kind": {kind.title: kind.id for kind in recipe.scene_kinds},
    }


class Status(StrEnum):
    """Result of a pasted row."""

    NEW = "new"
    DUPLICATE = "duplicate"
    WRONG = "wrong"


@dataclass(frozen=True)
class PastedRow:
    """One row of pasted text. ``number`` is its line; ``message`` says why it is not new."""

    number: int
    text: str
    values: Mapping[str, Any]
    status: Status
    message: str


def read_rows(
    recipe: Recipe, listing: Listing, text: str, defaults: Mapping[str, str] | None = None
) -> list[PastedRow]:
    """Returns the rows of a pasted text or CSV: one entry per line, further columns after tabs or commas,
    with or without a header. ``defaults`` fill absent columns. Empty lines are left out.

    Raises:
        RecipeError: the text is too long, or one of its cells is.
    """
    if len(text) > LARGEST:
        raise RecipeError(_("这些行太多了，最多 {n} 个字符", n=LARGEST))
    text = standard_characters(text)
    known = {normalise(entry) for entry in _texts(recipe, listing)}
    first: dict[str, int] = {}
    pasted = []
    try:
        records = _records(recipe, listing, text, _codes(recipe))
    except CsvError as error:
        raise RecipeError(_("这不是能读的 CSV：{detail}", detail=error)) from error
    for number, values in records:
        values = {**(defaults or {}), **values}
        entry = str(values.get("text", ""))
        key = normalise(entry)
        status, message = Status.NEW, ""
        values, problem = _checked(recipe, listing, values)
        if problem:
            status, message = Status.WRONG, problem
        elif key in first:
            status, message = Status.DUPLICATE, _("和第 {n} 行重复", n=first[key])
        elif key in known:
            status, message = Status.DUPLICATE, _("已经有了")
        first.setdefault(key, number)
        pasted.append(PastedRow(number, entry, values, status, message))
    return pasted


def add_rows(recipe: Recipe, listing: Listing, rows: Sequence[PastedRow]) -> Recipe:
    """Returns the recipe with the new rows at the end of the list.

    Raises:
        RecipeError: there is no new row.
    """
    fresh = [dict(row.values) for row in rows if row.status is Status.NEW]
    if not fresh:
        raise RecipeError(_("没有可以加入的新行"))
    if listing in _MODELS:
        return changed(recipe, **{listing.value: (*getattr(recipe, listing.value), *fresh)})
    old = _line_rows(recipe, listing)
    return edit_lines(recipe, listing.value, [*old, *(ListRow(None, values) for values in fresh)])


def replace_rows(recipe: Recipe, listing: Listing, rows: Sequence[PastedRow]) -> Recipe:
    """Returns the recipe with the whole list replaced; existing entries keep their suitability.

    Raises:
        RecipeError: a row is wrong, with its number; or there is no row.
    """
    for row in rows:
        if row.status is Status.WRONG:
            raise RecipeError(_("第 {number} 行：{message}", number=row.number, message=row.message))
    places = {normalise(text): i for i, text in enumerate(_texts(recipe, listing))}
    once = {normalise(row.text): row for row in reversed(rows)}
    kept = [
        ListRow(places.get(normalise(row.text)), row.values)
        for row in rows
        if once[normalise(row.text)] is row
    ]
    if listing is Listing.NAMES:
        return edit_names(recipe, kept)
    if listing is Listing.SCENES:
        return edit_scenes(recipe, kept)
    if listing is Listing.STYLES:
        return edit_styles(recipe, kept)
    if listing is Listing.FACTS:
        return edit_facts(recipe, kept)
    return edit_lines(recipe, listing.value, kept)


def to_csv(recipe: Recipe, listing: Listing) -> str:
    """Returns the list as CSV with a header, which :func:`read_rows` reads back. No spreadsheet takes a cell
    for a formula."""
    columns, codes = headers(recipe, listing), _codes(recipe)
    lines = [csv_row(columns.values())]
    if listing in _MODELS:
        entries = [entry.model_dump(mode="json") for entry in getattr(recipe, listing.value)]
    else:
        entries = [dict(row.values) for row in _line_rows(recipe, listing)]
    for row in entries:
        lines.append(csv_row(_written(codes, field, row[field]) for field in columns))
    return "".join(lines)


def _written(codes: Mapping[str, Mapping[str, str]], field: str, value: Any) -> str:
    if field in ("names", "relations"):
        titles = {code: title for title, code in codes["relation"].items()}
        return "、".join(titles.get(v, v) if field == "relations" else v for v in value)
    if field in codes:
        return next(title for title, code in codes[field].items() if code == value)
    if isinstance(value, bool):
        return "是" if value else "否"
    return _joined(value) if isinstance(value, list) else str(value)


def _joined(examples: Sequence[str]) -> str:
    """Returns examples as one cell: one per line, or as a JSON list where one of them has several lines."""
    cell = "\n".join(examples)
    return cell if _split(cell) == list(examples) else json.dumps(examples, ensure_ascii=False)


def _split(cell: str) -> list[str]:
    """Returns the examples of a cell that :func:`_joined` made."""
    if cell.startswith("["):
        with contextlib.suppress(ValueError, RecursionError):
            listed = json.loads(cell)
            if isinstance(listed, list) and all(isinstance(each, str) for each in listed):
                return listed
    return [line.strip() for line in cell.splitlines() if line.strip()]


def _line_rows(recipe: Recipe, listing: Listing) -> list[ListRow]:
    active, resting = lines_of(recipe, listing)
    return [
        ListRow(number, {"text": text, "enabled": number < len(active)})
        for number, text in enumerate((*active, *resting))
    ]


def lines_of(recipe: Recipe, listing: Listing) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Returns (switched on, switched off) texts of the clauses or the input templates."""
    if listing is Listing.CLAUSES:
        return recipe.clauses, recipe.resting_clauses
    return recipe.input_templates, recipe.resting_templates


def _texts(recipe: Recipe, listing: Listing) -> list[str]:
    if listing in _MODELS:
        return [entry.text for entry in getattr(recipe, listing.value)]
    active, resting = lines_of(recipe, listing)
    return [*active, *resting]


def _records(
    recipe: Recipe, listing: Listing, text: str, codes: Mapping[str, Mapping[str, str]]
) -> list[tuple[int, dict[str, Any]]]:
    """Returns (line, fields) of each row that is not empty."""
    text = text.removeprefix("\ufeff")
    fields = HEADERS[listing]
    titles = {said: field for field, title in fields.items() for said in (title, _(title), field)}
    for field, title in headers(recipe, listing).items():  # the recipe's own word may be another one's title
        titles |= {title: field, _(title): field}
    lines = text.splitlines()
    start = next((line for line in lines if line.strip()), "")
    delimiter = "\t" if "\t" in start else ","
    columns = [titles.get(cell.strip()) for cell in next(csv_rows([start], delimiter), (0, []))[1]]
    has_header = "text" in columns
    if listing not in _MODELS and not has_header:  # sentences hold commas of their own
        return [(n, {"text": line.strip()}) for n, line in enumerate(lines, start=1) if line.strip()]
    if delimiter == "," and not has_header and listing not in (Listing.STYLES, Listing.FACTS):
        text = text.replace("，", ",")
    records: list[tuple[int, dict[str, Any]]] = []
    order, plain = (columns, plain_cell) if has_header else (list(fields), str)
    for line, cells in csv_rows(io.StringIO(text), delimiter):
        if not any(cell.strip() for cell in cells):
            continue
        if has_header:  # the first row that holds anything is the header itself
            has_header = False
            continue
        given = {field: plain(cell.strip()) for field, cell in zip(order, cells, strict=False) if field}
        records.append((line, _read(given, codes)))
    return records


def _read(given: Mapping[str, str], known: Mapping[str, Mapping[str, str]]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for field, cell in given.items():
        if field == "text" or (field == "suffix" and cell):
            values[field] = cell
        elif not cell:
            continue
        elif field in ("enabled", "several_lines"):
            values[field] = cell.lower() not in _NO
        elif field == "examples":
            values[field] = _split(cell)
        else:
            codes = known.get(field, {})
            values[field] = codes.get(cell, {_(title): code for title, code in codes.items()}.get(cell, cell))
    return values


def _checked(recipe: Recipe, listing: Listing, values: dict[str, Any]) -> tuple[dict[str, Any], str]:
    """Returns the fields of a row and what is wrong with them, '' for nothing."""
    if listing is Listing.FACTS:
        try:
            values = people_of(recipe, values)
        except RecipeError as error:
            return values, str(error)
    return values, _problem(recipe, listing, values)


def _problem(recipe: Recipe, listing: Listing, values: Mapping[str, Any]) -> str:
    if listing is Listing.CLAUSES:
        return ""
    for field, codes in _codes(recipe).items():
        if field in values and values[field] not in codes.values():
            return _(
                "{title}只能是 {known}，不是 {value}",
                title=_(headers(recipe, listing).get(field, field)),
                known=_("、").join(_(title) for title in codes),
                value=values[field],
            )
    try:
        if listing is Listing.TEMPLATES:
            check_input_template(str(values.get("text", "")), recipe.receivers)
        else:
            fields = dict(values)
            if listing is Listing.STYLES:
                fields.setdefault("instruction", "?")
            _MODELS[listing].model_validate(fields)
    except ValidationError as error:
        return explain(error)
    except ValueError as error:
        return str(error)
    return ""
