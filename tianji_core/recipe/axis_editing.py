"""Edits axes and their options; each function returns a new recipe or one sentence about what is wrong."""

import secrets
from collections.abc import Callable, Iterable

from tianji_core.errors import RecipeError
from tianji_core.i18n import _
from tianji_core.recipe.axes import Axis
from tianji_core.recipe.editing import changed
from tianji_core.recipe.model import Recipe


def add_axis(recipe: Recipe, title: str, option_titles: Iterable[str]) -> Recipe:
    """Returns the recipe with another axis at the end, switched off, that has these options.

    Raises:
        RecipeError: no title, no option, or a title that is taken.
    """
    options = [title.strip() for title in option_titles if title.strip()]
    axis = {
        "id": _new_id("axis"),
        "title": title.strip(),
        "options": [{"id": f"option-{n}", "title": text} for n, text in enumerate(options, start=1)],
    }
    return changed(recipe, axes=(*(axis.model_dump() for axis in recipe.axes), axis))


def remove_axis(recipe: Recipe, axis_id: str) -> Recipe:
    """Returns the recipe without an axis; samples keep the options that they have."""
    return changed(recipe, axes=tuple(axis for axis in recipe.axes if axis.id != axis_id))


def edit_axis(recipe: Recipe, axis_id: str, **fields: object) -> Recipe:
    """Returns the recipe with the given fields of one axis replaced.

    Raises:
        RecipeError: an invalid value.
    """
    return _with(recipe, axis_id, lambda axis: {**axis.model_dump(), **fields})


def add_option(recipe: Recipe, axis_id: str, title: str) -> Recipe:
    """Returns the recipe with another option at the end of an axis.

    Raises:
        RecipeError: no title, a title that is taken, or too many options.
    """

    def extended(axis: Axis) -> dict[str, object]:
        new = {"id": _new_id("option"), "title": title.strip()}
        return {**axis.model_dump(), "options": [*(option.model_dump() for option in axis.options), new]}

    return _with(recipe, axis_id, extended)


def remove_option(recipe: Recipe, axis_id: str, option_id: str) -> Recipe:
    """Returns the recipe without an option.

    Raises:
        RecipeError: it is the only one of its axis.
    """

    def reduced(axis: Axis) -> dict[str, object]:
        left = [option.model_dump() for option in axis.options if option.id != option_id]
        return {**axis.model_dump(), "options": left}

    return _with(recipe, axis_id, reduced)


def edit_option(recipe: Recipe, axis_id: str, option_id: str, **fields: object) -> Recipe:
    """Returns the recipe with the given fields of one option replaced.

    Raises:
        RecipeError: an invalid value.
    """

    def edited(axis: Axis) -> dict[str, object]:
        options = [
            {**option.model_dump(), **fields} if option.id == option_id else option.model_dump()
            for option in axis.options
        ]
        return {**axis.model_dump(), "options": options}

    return _with(recipe, axis_id, edited)


def edit_in_style(recipe: Recipe, axis_id: str, option_id: str, style: str, **fields: object) -> Recipe:
    """Returns the recipe with limits and examples of an option in one style replaced; without any of them the
    style follows the common ones.

    Raises:
        RecipeError: an invalid value, or no such axis or option.
    """
    axis = next((axis for axis in recipe.axes if axis.id == axis_id), None)
    option = axis.option(option_id) if axis is not None else None
    if option is None:
        raise RecipeError(_("没有这个选项了，请刷新"))
    others = [entry.model_dump() for entry in option.by_style if entry.style != style]
    own = [{"style": style, **fields}] if any(fields.values()) else []
    return edit_option(recipe, axis_id, option_id, by_style=[*others, *own])


def _with(recipe: Recipe, axis_id: str, edit: Callable[[Axis], dict[str, object]]) -> Recipe:
    return changed(
        recipe, axes=tuple(edit(axis) if axis.id == axis_id else axis.model_dump() for axis in recipe.axes)
    )


def _new_id(kind: str) -> str:
    """Returns an id that no entry has had: stored samples keep the ids of entries that were removed."""
    return f"{kind}-{secrets.token_hex(4)}"
