"""What a cleaning rule is, and everything it may know about the text it looks at."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import NamedTuple, Protocol

import yaml

from tianji_core.recipe import Pronoun, Recipe, Suitability
from tianji_core.workspace import CONFIGS

HARD_FLOOR = 10
"""Characters below which a text is too short in every style (from the tutorial)."""


class Subject(NamedTuple):
    """A text and what it is meant to be; an empty field means unknown."""

    output: str
    name: str = ""
    scene: str = ""
    style: str = ""


class HasText(Protocol):
    """What can be checked: a stored sample or a :class:`Subject`."""

    @property
    def output(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def scene(self) -> str: ...
    @property
    def style(self) -> str: ...


class Found(NamedTuple):
    """What a rule sees. ``fixed`` is the whole text after its fix, or None."""

    detail: str
    fixed: str | None = None


Look = Callable[[str, Subject, "Context"], Found | None]


@dataclass(frozen=True)
class Example:
    """One text that a rule must object to, with what its fix makes of it, or that it must leave alone. Run as a
    test. Limits are those of the built-in recipe's style."""

    output: str
    fixed: str | None = None
    name: str = "妹妹"
    scene: str = "生日"
    style: str = "正常"

    @property
    def subject(self) -> Subject:
        """The example as something to check."""
        return Subject(self.output, self.name, self.scene, self.style)


@dataclass(frozen=True)
class Rule:
    """One cleaning rule. ``look`` is pure; ``safe`` means that its fix cannot spoil a good text, so that it may be
    applied to everything at once."""

    id: str
    title: str
    why: str
    look: Look
    bad: tuple[Example, ...]
    good: tuple[Example, ...]
    safe: bool = False


@dataclass(frozen=True)
class Occasion:
    """How texts speak of one scene; see ``configs/cleaning/occasions.yaml``."""

    own: tuple[str, ...]
    signs: tuple[str, ...]
    near: tuple[str, ...] = ()


@dataclass(frozen=True)
class Context:
    """A recipe as the rules need it. Get one from :func:`context_of`, once for many texts."""

    limits: Mapping[str, tuple[int, int]]
    pronouns: Mapping[str, Pronoun]
    suitability: Suitability
    threshold: int
    occasions: Mapping[str, Occasion]
    request_pieces: frozenset[str] = field(repr=False)


REQUEST_PIECE = 9
"""Characters in a row that a text must share with the teacher's request to count as a leak."""


def context_of(recipe: Recipe) -> Context:
    """The recipe's limits, pronouns, matrix and the wording of its teacher prompt."""
    known = occasions()
    return Context(
        limits={s.text: (s.min_chars, s.max_chars) for s in recipe.styles},
        pronouns={n.text: n.pronoun for n in recipe.names},
        suitability=recipe.matrix(),
        threshold=recipe.threshold,
        occasions={s.text: known[s.text] for s in recipe.scenes if s.text in known},
        request_pieces=_request_pieces(recipe),
    )


def _request_pieces(recipe: Recipe) -> frozenset[str]:
    from string import Formatter

    texts = [literal for literal, *_rest in Formatter().parse(recipe.prompts.teacher)]
    texts += [literal for literal, *_rest in Formatter().parse(recipe.prompts.example)]
    texts += [style.instruction for style in recipe.styles]
    texts += recipe.clauses
    pieces = set()
    for text in texts:
        for line in text.splitlines():
            pieces |= {line[i : i + REQUEST_PIECE] for i in range(len(line) - REQUEST_PIECE + 1)}
    return frozenset(pieces)


@cache
def occasions() -> dict[str, Occasion]:
    """scene → how texts speak of it."""
    text = (CONFIGS / "cleaning" / "occasions.yaml").read_text(encoding="utf-8")
    return {
        scene: Occasion(tuple(v["own"]), tuple(v["signs"]), tuple(v.get("near", ())))
        for scene, v in yaml.safe_load(text).items()
    }


@cache
def phrases() -> dict[str, list[str]]:
    """kind → regular expressions, from ``configs/cleaning/phrases.yaml``."""
    return yaml.safe_load((CONFIGS / "cleaning" / "phrases.yaml").read_text(encoding="utf-8"))
