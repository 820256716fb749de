"""Recipes as YAML: reading with errors that name file, key and value, and writing."""

from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from tianji_core.errors import RecipeError
from tianji_core.i18n import _
from tianji_core.recipe.model import Recipe

BUILT_IN = Path(__file__).resolve().parents[2] / "configs" / "recipes"


def load_recipe(path: Path) -> Recipe:
    """Read one recipe file.

    Raises:
        RecipeError: unreadable, not YAML (with the line), or not a valid recipe (with key and value).
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise RecipeError(_("读不了配方文件 {file}：{detail}", file=path, detail=error)) from error
    return parse_recipe(text, str(path))


def parse_recipe(text: str, source: str) -> Recipe:
    """A recipe from YAML text; ``source`` names it in errors."""
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark is not None else "?"
        problem = getattr(error, "problem", None) or str(error)
        raise RecipeError(
            _("{file} 第 {line} 行不是合法的 YAML：{detail}", file=source, line=line, detail=problem)
        ) from error
    if not isinstance(value, dict):
        raise RecipeError(
            _("{file} 应当是一张“键: 值”的表，读到的是 {kind}", file=source, kind=type(value).__name__)
        )
    return validate_recipe(value, source)


def validate_recipe(value: dict[str, Any], source: str) -> Recipe:
    """A recipe from plain data; ``source`` names it in errors."""
    try:
        return Recipe.model_validate(value)
    except ValidationError as error:
        raise RecipeError(f"{source}：{explain(error)}") from error


def explain(error: ValidationError) -> str:
    """The first problem of a pydantic error as one Chinese sentence: key, what is wrong, the value."""
    problems = error.errors(include_url=False)
    first: dict[str, Any] = dict(problems[0])
    key = ".".join(str(part) for part in first["loc"]) or _("整个配方")
    shown = repr(first.get("input"))
    if len(shown) > 80:
        shown = shown[:77] + "..."
    more = _("（另有 {count} 处）", count=len(problems) - 1) if len(problems) > 1 else ""
    return _(
        "{key} {reason}；现在的值是 {value}{more}", key=key, reason=_reason(first), value=shown, more=more
    )


def _reason(problem: dict[str, Any]) -> str:
    context = problem.get("ctx", {})
    kind = problem["type"]
    if kind == "value_error":
        return str(context.get("error", problem["msg"]))
    known = {
        "missing": _("没有填"),
        "extra_forbidden": _("是不认识的键"),
        "string_too_short": _("不能为空"),
        "string_too_long": _("最多 {max_length} 个字"),
        "too_short": _("至少要有 {min_length} 项"),
        "enum": _("只能是 {expected}"),
        "string_pattern_mismatch": _("格式不对，应当匹配 {pattern}"),
        "int_parsing": _("应当是整数"),
        "int_type": _("应当是整数"),
        "string_type": _("应当是文字"),
        "bool_parsing": _("应当是 true 或 false"),
        "greater_than_equal": _("应当不小于 {ge}"),
        "less_than_equal": _("应当不大于 {le}"),
    }
    text = known.get(kind)
    return text.format(**context) if text is not None else problem["msg"]


def dump_recipe(recipe: Recipe) -> str:
    """A recipe as YAML that :func:`parse_recipe` reads back to the same recipe."""
    return yaml.safe_dump(recipe.model_dump(mode="json"), allow_unicode=True, sort_keys=False, width=110)


def built_in_recipes() -> dict[str, Path]:
    """Key → file of the recipes that come with the studio."""
    return {path.stem: path for path in sorted(BUILT_IN.glob("*.yaml"))}
