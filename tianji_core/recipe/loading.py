"""Recipes as YAML: reading, with errors that name file, key and value, and writing."""

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from tianji_core.addresses import named_as_secret, without_credentials
from tianji_core.errors import RecipeError, YamlError
from tianji_core.i18n import _
from tianji_core.project import CONFIGS
from tianji_core.recipe.model import Recipe
from tianji_core.yaml_reading import parse_yaml, read_yaml

BUILT_IN = CONFIGS / "recipes"
DEFAULT_RECIPE = "wishes"
"""Key of the recipe that a new workspace uses."""


def load_recipe(path: Path) -> Recipe:
    """Reads a recipe file.

    Raises:
        RecipeError: unreadable, not YAML (with the line), or not a valid recipe (with key and value).
    """
    try:
        value = read_yaml(path)
    except YamlError as error:
        raise RecipeError(str(error)) from error
    return _recipe(value, str(path))


def built_in_recipe(key: str) -> Recipe:
    """Returns a built-in recipe; its file is read again only after it has changed.

    Raises:
        RecipeError: as :func:`load_recipe`. KeyError: none has this key.
    """
    path = built_in_recipes()[key]
    return _unchanged(path, path.stat().st_mtime_ns)


@lru_cache(maxsize=32)
def _unchanged(path: Path, _modified: int) -> Recipe:
    return load_recipe(path)


def parse_recipe(text: str, source: str) -> Recipe:
    """Returns a recipe from YAML text; ``source`` names it in errors."""
    try:
        value = parse_yaml(text, source)
    except YamlError as error:
        raise RecipeError(str(error)) from error
    return _recipe(value, source)


def _recipe(value: object, source: str) -> Recipe:
    if not isinstance(value, dict):
        raise RecipeError(
            _("{file} 应当是一张“键: 值”的表，读到的是 {kind}", file=source, kind=type(value).__name__)
        )
    return validate_recipe(value, source)


def validate_recipe(value: dict[str, Any], source: str) -> Recipe:
    """Returns a recipe from plain data; ``source`` names it in errors."""
    try:
        return Recipe.model_validate(value)
    except ValidationError as error:
        raise RecipeError(f"{source}：{explain(error)}") from error


def explain(error: ValidationError, whole: str | None = None) -> str:
    """Returns the first problem of a pydantic error as one Chinese sentence: key, fault, value. ``whole``
    introduces a problem that concerns no single key; None stands for a recipe, '' leaves the reason alone."""
    problems = error.errors(include_url=False)
    first: dict[str, Any] = dict(problems[0])
    if not first["loc"]:
        opening = _("整个配方") if whole is None else whole
        return f"{opening} {reason_of(first)}".strip()
    key = ".".join(str(part) for part in first["loc"])
    more = _("（另有 {count} 处）", count=len(problems) - 1) if len(problems) > 1 else ""
    if isinstance(first.get("input"), dict | list | tuple | set):  # its text could be long, and hold a secret
        return _("{key} {reason}{more}", key=key, reason=reason_of(first), more=more)
    shown = _shown(first.get("input"), str(first["loc"][-1]))
    return _(
        "{key} {reason}；现在的值是 {value}{more}", key=key, reason=reason_of(first), value=shown, more=more
    )


def _shown(value: object, key: str) -> str:
    """Returns a wrong value as a message shows it: short, and without secrets."""
    if named_as_secret(key):
        return "••••"
    shown = without_credentials(repr(value[:200] if isinstance(value, str) else value))
    return shown if len(shown) <= 80 else shown[:77] + "..."


def reason_of(problem: Mapping[str, Any]) -> str:
    """Returns the reason why pydantic refused a value, as a predicate: 应当是整数."""
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
        "literal_error": _("只能是 {expected}"),
        "too_long": _("最多 {max_length} 项"),
        "int_parsing": _("应当是整数"),
        "int_parsing_size": _("太大了"),
        "int_from_float": _("应当是整数"),
        "int_type": _("应当是整数"),
        "float_parsing": _("应当是数字"),
        "float_type": _("应当是数字"),
        "finite_number": _("应当是有限的数字"),
        "list_type": _("应当是一个列表"),
        "tuple_type": _("应当是一个列表"),
        "dict_type": _("应当是一张“键: 值”的表"),
        "model_type": _("应当是一张“键: 值”的表"),
        "bool_type": _("应当是 true 或 false"),
        "string_type": _("应当是文字"),
        "bool_parsing": _("应当是 true 或 false"),
        "greater_than_equal": _("应当不小于 {ge}"),
        "less_than_equal": _("应当不大于 {le}"),
        "greater_than": _("应当大于 {gt}"),
        "less_than": _("应当小于 {lt}"),
    }
    text = known.get(kind)
    return text.format(**context) if text is not None else problem["msg"]


def dump_recipe(recipe: Recipe) -> str:
    """Returns a recipe as YAML that :func:`parse_recipe` reads back to the same recipe."""
    return yaml.safe_dump(recipe.model_dump(mode="json"), allow_unicode=True, sort_keys=False, width=110)


def built_in_recipes() -> dict[str, Path]:
    """Returns key → file of the built-in recipes."""
    return {path.stem: path for path in sorted(BUILT_IN.glob("*.yaml"))}
