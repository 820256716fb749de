"""What the three lists of a recipe are called."""

from typing import Literal

from tianji_core.i18n import _c
from tianji_core.recipe import Recipe


def list_title(recipe: Recipe, field: Literal["name", "scene", "style"]) -> str:
    """Returns the title of one of the three lists: the shipped word in the plural, or the recipe's own."""
    word = getattr(recipe.words, field)
    shipped = {"称谓": _c("list", "称谓"), "场景": _c("list", "场景"), "风格": _c("list", "风格")}
    return shipped.get(word) or getattr(recipe.words.shown(), field)
