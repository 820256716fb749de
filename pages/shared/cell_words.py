"""How pages name the cell of a sample, in the words of the recipe in use."""

from pages.shared.frame import current_recipe, spoken
from pages.shared.list_titles import list_title
from pages.shared.text import plain
from tianji_core.i18n import _, language
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


def style_word() -> str:
    """Returns what the recipe in use calls a style, as it stands inside a sentence."""
    return _inside(spoken().style)


def style_words(count: int = 2) -> str:
    """Returns what the recipe in use calls several styles, or one, as it stands inside a sentence."""
    return style_word() if count == 1 else _inside(list_title(current_recipe().recipe, "style"))


def right_words() -> str:
    """Returns what a checked answer is right in."""
    if current_recipe().recipe.receivers:
        return _("对的人、对的事、对的{kind}", kind=style_word())
    return _("对的事、对的{kind}", kind=style_word())


def suffix_example() -> str:
    """Returns a suffix by which a training input calls for one of the styles of the recipe in use."""
    recipe = current_recipe().recipe
    made = f",{recipe.styles[0].text}{recipe.words.style}"
    return plain(next((style.suffix for style in recipe.styles if style.suffix), made))


def _inside(word: str) -> str:
    """A title as a word of an English sentence; an abbreviation, and what is written without letters of two
    sizes, stays."""
    return word[:1].lower() + word[1:] if language() == "en" and word[1:2].islower() else word[:]
