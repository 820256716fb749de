"""How pages name the cell of a sample, in the words of the recipe in use."""

from pages.shared.frame import current_recipe, spoken
from tianji_core.i18n import _
from tianji_core.store.samples import Sample


def cell_words(sample: Sample) -> str:
    """Returns receiver and occasion of a sample; the occasion alone where nobody is written to."""
    recipe = current_recipe().recipe
    words = recipe.words.shown()
    scene = sample.scene or unknown(words.scene)
    return f"{sample.name or unknown(words.name)} × {scene}" if recipe.receivers else scene


def unknown(kind: str) -> str:
    """Returns what stands in the place of an unknown receiver, occasion or style."""
    return _("{kind}不明", kind=kind)


def unknown_style() -> str:
    """Returns what stands in the place of an unknown style."""
    return unknown(spoken().style)


def share_titles(field: str) -> tuple[str, str]:
    """Returns the title of a chart of samples by ``style`` or ``scene`` (``field``), and its unknown bar."""
    kind = getattr(spoken(), field)
    return _("各{kind}条数", kind=kind), unknown(kind)
