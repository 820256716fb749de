"""Functions that plant one mistake in a text, made from a few wordings."""

import random
import re
from collections.abc import Callable

from benchmarks.planted.texts import Text

Spoil = Callable[[Text, random.Random], str | None]
"""Plants one mistake; None where this text does not lend itself to it."""


def ended(text: str) -> str:
    """Returns the text with a closing mark."""
    return text if text[-1] in "。！？~～!?…" else text + "。"


def choice(*forms: str) -> Spoil:
    """Puts one of the forms in place of the text; {text}, {name}, {scene} and {style} are filled in."""

    def spoil(text: Text, source: random.Random) -> str:
        values = {"name": text.name, "scene": text.scene, "style": text.style}
        return source.choice(forms).format(text=ended(text.output), **values)

    return spoil


def inserted(*pieces: str) -> Spoil:
    """Inserts a piece after the first or second mark of the text."""

    def spoil(text: Text, source: random.Random) -> str | None:
        places = [m.end() for m in re.finditer("[，。！？]", text.output)][:2]
        if not places:
            return None
        place = source.choice(places)
        return text.output[:place] + source.choice(pieces).format(name=text.name) + text.output[place:]

    return spoil


def replaced(old: str, new: tuple[str, ...]) -> Spoil:
    """Replaces one match of a pattern."""

    def spoil(text: Text, source: random.Random) -> str | None:
        matches = list(re.finditer(old, text.output))
        if not matches:
            return None
        match = source.choice(matches)
        return text.output[: match.start()] + source.choice(new) + text.output[match.end() :]

    return spoil


def appended(*endings: str) -> Spoil:
    """Adds an ending after the closed text."""
    return lambda text, source: ended(text.output) + source.choice(endings)


def emoji(text: Text, source: random.Random) -> str:
    """Removes the emoji where the style wants one, adds some where it wants none, and too many elsewhere."""
    if text.style == "小红书":
        return re.sub(r"[\U0001F000-\U0001FAFF\u2600-\u27BF\ufe0f]", "", text.output)
    if text.style in ("正常", "严肃", "文言文", "诗词赋"):
        return text.output + source.choice(("🎉", "💐", "😄✨"))
    return text.output + source.choice(("🎉🎂💐✨😄🎈", "🧧🧨🎆🎇🏮🐉"))


def repeated_marks(text: Text, source: random.Random) -> str | None:
    """Repeats an exclamation mark inside the text or at its end."""
    return replaced("[！。](?=.)", ("！！！！", "！！！！！！"))(text, source) or (
        text.output[:-1] + "！！！！" if text.output[-1] in "。！" else None
    )


def too_short(text: Text, source: random.Random) -> str:
    """Writes fewer than ten characters."""
    return source.choice(("祝{name}开心！", "{name}加油！", "愿{name}都好。")).format(name=text.name)[:9]
