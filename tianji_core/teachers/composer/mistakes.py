"""Plants typical mistakes of real teachers in texts, so that cleaning can be practised and measured."""

from collections.abc import Callable
from dataclasses import replace
from random import Random

from tianji_core.recipe import Brief, Pronoun
from tianji_core.teachers.composer.phrases import Phrases

SEVERAL_LINES = "several_lines"
WRAPPING_QUOTES = "wrapping_quotes"
LEAD_IN = "lead_in"
PARTICLE_CLASH = "particle_clash"
TOO_SHORT = "too_short"
TOO_LONG = "too_long"
WRONG_OCCASION = "wrong_occasion"
WRONG_PRONOUN = "wrong_pronoun"
TITLE = "title"
LEAKED_PROMPT = "leaked_prompt"
MISTAKES = (
    SEVERAL_LINES,
    WRAPPING_QUOTES,
    LEAD_IN,
    PARTICLE_CLASH,
    TOO_SHORT,
    TOO_LONG,
    WRONG_OCCASION,
    WRONG_PRONOUN,
    TITLE,
    LEAKED_PROMPT,
)
SHORTEST = 10
"""A text with fewer characters counts as too short."""
_STOPS = "。！？~!?"
_QUOTES = (("“", "”"), ('"', '"'), ("「", "」"))
_LEAK_CHARS = 60


def plant(
    text: str, brief: Brief, phrases: Phrases, write: Callable[[Brief], str], source: Random
) -> tuple[str, tuple[str, ...]]:
    """Returns ``text`` with one mistake that is possible in it, and the id of the mistake. ``write`` writes
    the clean text of another brief."""
    impossible = set()
    if brief.name.pronoun.value not in text:
        impossible.add(WRONG_PRONOUN)
    if len(phrases.styles[brief.style.text].scenes) < 2:
        impossible.add(WRONG_OCCASION)
    kinds = [kind for kind in MISTAKES if kind not in impossible]
    kind = kinds[int(source.random() * len(kinds))]
    return _spoil(kind, text, brief, phrases, write, source), (kind,)


def _spoil(
    kind: str, text: str, brief: Brief, phrases: Phrases, write: Callable[[Brief], str], source: Random
) -> str:
    names = {"name": brief.name.text, "scene": brief.scene.text}
    if kind == SEVERAL_LINES:
        return f"{text}\n{_another(text, brief, write)}"
    if kind == WRAPPING_QUOTES:
        left, right = source.choice(_QUOTES)
        return f"{left}{text}{right}"
    if kind == LEAD_IN:
        return source.choice(phrases.mistakes.lead_ins).format(**names) + text
    if kind == PARTICLE_CLASH:
        ending = text[-1] if text[-1] in _STOPS else "！"
        return text.rstrip(_STOPS) + ending + source.choice(phrases.mistakes.particles)
    if kind == TOO_SHORT:
        return f"{brief.scene.wish[: SHORTEST - 2]}！"
    if kind == TOO_LONG:
        while len(text) <= brief.style.max_chars:
            text += _another(text, brief, write)
        return text
    if kind == WRONG_OCCASION:
        return _wrong_occasion(text, brief, phrases, write, source)
    if kind == WRONG_PRONOUN:
        other = Pronoun.INFORMAL if brief.name.pronoun is Pronoun.FORMAL else Pronoun.FORMAL
        return text.replace(brief.name.pronoun.value, other.value)
    if kind == TITLE:
        return f"{source.choice(phrases.mistakes.titles).format(**names)}\n{text}"
    lines = [line.strip() for line in brief.prompt.splitlines() if len(line.strip()) >= SHORTEST]
    return source.choice(lines or [brief.style.instruction])[:_LEAK_CHARS] + text


def _another(text: str, brief: Brief, write: Callable[[Brief], str]) -> str:
    """Returns another text for the same cell, where a few attempts yield one."""
    other = text
    for step in range(1, 9):
        other = write(replace(brief, variant=brief.variant + len(text) * 31 + step))
        if other not in text:
            break
    return other


def _wrong_occasion(
    text: str, brief: Brief, phrases: Phrases, write: Callable[[Brief], str], source: Random
) -> str:
    """Returns a text for another scene, one that names its scene where such a text can be written."""
    scenes = sorted(set(phrases.styles[brief.style.text].scenes) - {brief.scene.text})
    source.shuffle(scenes)
    for scene in scenes:
        other = brief.scene.model_copy(update={"text": scene, "greeting": ""})
        text = write(replace(brief, scene=other))
        if phrases.foreign_scenes(text, brief.scene.text):
            break
    return text
