"""The parts of a cleaning rule, and the context in which it checks a text."""

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from tianji_core.cleaning.quick import AT_ONCE, QuickPattern
from tianji_core.project import CONFIGS
from tianji_core.recipe import (
    Options,
    OwnRule,
    OwnRuleKind,
    Pronoun,
    Recipe,
    StyleGap,
    Suitability,
    styled,
)
from tianji_core.recipe.spoken_of import SpokenOf, shared_titles, short_names
from tianji_core.yaml_reading import read_yaml

_FOLDER = CONFIGS / "cleaning"
HARD_FLOOR = 10
"""Length in characters below which a text is too short in every style (from the tutorial)."""


class Subject(NamedTuple):
    """A text with its receiver, occasion and style; an empty field means unknown."""

    output: str
    name: str = ""
    scene: str = ""
    style: str = ""
    options: Options = ()
    fact: str = ""


class HasText(Protocol):
    """A text that can be checked: a stored sample or a :class:`Subject`."""

    @property
    def output(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def scene(self) -> str: ...
    @property
    def style(self) -> str: ...
    @property
    def options(self) -> Options: ...
    @property
    def fact(self) -> str: ...


def about(sample: HasText, text: str) -> Subject:
    """Returns a text as one for the receiver, occasion and so on of a sample."""
    return Subject(text, sample.name, sample.scene, sample.style, sample.options, sample.fact)


class Found(NamedTuple):
    """The finding of a rule. ``fixed`` is the whole text after its fix, or None."""

    detail: str
    fixed: str | None = None


_ONLY_HAN = re.compile(r"[\u4e00-\u9fff，。！？、；：…—~～“”]*")


@lru_cache(maxsize=2 * AT_ONCE)
def only_han(text: str) -> bool:
    """Returns whether a text consists of Chinese characters and their punctuation, as most do: rules about
    other characters can skip it. Cached, since many rules ask about the same text."""
    return _ONLY_HAN.fullmatch(text) is not None


Look = Callable[[str, Subject, "Context"], Found | None]


@dataclass(frozen=True)
class Example:
    """A text that a rule must report, with the result of its fix, or that it must not report; run as a test.
    Limits are those of the style in the built-in recipe."""

    output: str
    fixed: str | None = None
    name: str = "妹妹"
    scene: str = "生日"
    style: str = "正常"
    fact: str = ""

    @property
    def subject(self) -> Subject:
        """The example as a subject to check."""
        return Subject(self.output, self.name, self.scene, self.style, fact=self.fact)


@dataclass(frozen=True)
class Rule:
    """One cleaning rule. ``look`` is pure; ``safe`` means that the fix cannot spoil a good text and may be
    applied to all samples at once; ``wishes`` that it holds of blessings alone, ``others`` of all but
    them; ``odd`` that it finds nothing in texts of Chinese characters and their marks alone, of which it is
    not asked (:func:`only_han`)."""

    id: str
    title: str
    why: str
    look: Look
    bad: tuple[Example, ...]
    good: tuple[Example, ...]
    safe: bool = False
    wishes: bool = False
    others: bool = False
    odd: bool = False

    def holds_in(self, recipe: Recipe) -> bool:
        """Returns whether the texts of a recipe are checked by this rule."""
        return self.holds_for(recipe.blessings)

    def holds_for(self, blessings: bool) -> bool:
        """Returns whether blessings, or else texts of other tasks, are checked by this rule."""
        return not (self.others if blessings else self.wishes)


@dataclass(frozen=True)
class SceneWords:
    """The words by which texts speak of one scene; see ``configs/cleaning/occasions.yaml``."""

    own: tuple[str, ...]
    signs: tuple[str, ...]
    near: tuple[str, ...] = ()


@dataclass(frozen=True)
class Context:
    """The recipe in the form that the rules need. :func:`context_of` makes one for many texts.
    ``several_lines`` are the styles whose texts may have several lines, ``short_names`` the ends of a name by
    which it alone is called, ``titles`` those that several names share."""

    limits: Mapping[str, tuple[int, int]]
    several_lines: frozenset[str]
    pronouns: Mapping[str, Pronoun]
    suitability: Suitability
    threshold: int
    gaps: tuple[StyleGap, ...]
    occasions: Mapping[str, SceneWords]
    request_pieces: frozenset[str] = field(repr=False)
    request_hints: frozenset[str] = field(repr=False)
    foreign_signs: Mapping[str, QuickPattern] = field(repr=False)
    addresses: "Addresses" = field(repr=False)
    own: "OwnRules" = field(repr=False)
    scenes: SpokenOf = field(repr=False)
    short_names: Mapping[str, tuple[str, ...]] = field(repr=False)
    titles: frozenset[str] = field(repr=False)
    recipe: Recipe = field(repr=False)
    _with_options: dict[tuple[str, Options], tuple[int, int]] = field(default_factory=dict, repr=False)

    def limits_of(self, subject: HasText) -> tuple[int, int] | None:
        """Returns the fewest and the most characters of a text in its style, as its options change them; None
        where the style is unknown."""
        if not subject.options:
            return self.limits.get(subject.style)
        key = (subject.style, subject.options)
        if key not in self._with_options:
            style = self.recipe.style(subject.style)
            if style is None:
                return None
            changed = styled(self.recipe, style, subject.options)
            self._with_options[key] = (changed.min_chars, changed.max_chars)
        return self._with_options[key]


class OwnRules:
    """The person's own rules of a recipe. ``slow`` collects those whose expression has taken too long on a
    text, with what to say of it: they are not tried again."""

    def __init__(self, recipe: Recipe) -> None:
        self._rules = recipe.own_rules
        self._relations = {name.text: name.relation for name in recipe.names}
        self.slow: dict[OwnRule, str] = {}

    def about(self, subject: Subject, kind: OwnRuleKind) -> list[OwnRule]:
        """Returns the rules of a kind that hold for a text."""
        if not self._rules:
            return []
        return [rule for rule in self._rules if rule.kind == kind and self._covers(rule, subject)]

    def _covers(self, rule: OwnRule, subject: Subject) -> bool:
        return (
            (not rule.styles or subject.style in rule.styles)
            and (not rule.names or subject.name in rule.names)
            and (not rule.scenes or subject.scene in rule.scenes)
            and (not rule.relations or self._relations.get(subject.name) in rule.relations)
        )


class Addresses:
    """The forms of address: the recipe's names and the words of ``configs/cleaning/addresses.yaml``.
    ``pattern`` finds them, longer ones first; ``fitting`` maps a word to the names it may address."""

    def __init__(self, names: tuple[str, ...], words: Mapping[str, list[str]]) -> None:
        self.names = frozenset(names)
        self.fitting: dict[str, frozenset[str]] = {word: frozenset(fit) for word, fit in words.items()}
        for name in names:
            self.fitting[name] = self.fitting.get(name, frozenset()) | {name}
        longest = sorted(self.fitting, key=len, reverse=True)
        self.pattern = re.compile("|".join(map(re.escape, longest)))


REQUEST_PIECE = 9
"""Number of consecutive characters that a text must share with the teacher's request to count as a leak."""
REQUEST_HINT = 5
"""Number of consecutive characters that are searched first: any nine contain five that start at a multiple of
five."""


def context_of(recipe: Recipe) -> Context:
    """Returns the context of a recipe: limits, pronouns, matrix and the wording of its teacher prompt."""
    known = {s.text: occasion for s in recipe.scenes if (occasion := occasions().get(s.text)) is not None}
    pieces = _request_pieces(recipe)
    return Context(
        limits={s.text: (s.min_chars, s.max_chars) for s in recipe.styles},
        several_lines=frozenset(s.text for s in recipe.styles if s.several_lines),
        pronouns={n.text: n.pronoun for n in recipe.names},
        suitability=recipe.matrix(),
        threshold=recipe.threshold,
        gaps=recipe.style_gaps,
        occasions=known,
        request_pieces=pieces,
        request_hints=frozenset(
            piece[i : i + REQUEST_HINT] for piece in pieces for i in range(REQUEST_PIECE - REQUEST_HINT + 1)
        ),
        foreign_signs={scene: _foreign_signs(scene, known) for scene in known},
        addresses=Addresses(tuple(n.text for n in recipe.names), _read("addresses")),
        own=OwnRules(recipe),
        scenes=SpokenOf([scene.text for scene in recipe.scenes]),
        short_names=short_names([name.text for name in recipe.names]),
        titles=shared_titles([name.text for name in recipe.names]),
        recipe=recipe,
    )


def _foreign_signs(scene: str, known: Mapping[str, SceneWords]) -> QuickPattern:
    """Returns a pattern that finds words of other scenes; it never matches if there is no other scene."""
    signs = {sign for other, words in known.items() if other != scene for sign in words.signs}
    return QuickPattern("|".join(sorted(map(re.escape, signs))) or r"(?!)")


def _request_pieces(recipe: Recipe) -> frozenset[str]:
    from string import Formatter

    texts = [literal for literal, *_rest in Formatter().parse(recipe.prompts.teacher)]
    texts += [literal for literal, *_rest in Formatter().parse(recipe.prompts.example)]
    texts += [literal for literal, *_rest in Formatter().parse(recipe.prompts.fact)]
    texts.append(recipe.prompts.teacher_system)
    texts += [style.instruction for style in recipe.styles]
    texts += [option.instruction for axis in recipe.axes for option in axis.options]
    texts += recipe.clauses
    pieces = set()
    for text in texts:
        for line in text.splitlines():
            pieces |= {line[i : i + REQUEST_PIECE] for i in range(len(line) - REQUEST_PIECE + 1)}
    return frozenset(pieces)


@cache
def _read(name: str) -> dict[str, Any]:
    return read_yaml(_FOLDER / f"{name}.yaml")


@cache
def program_digest() -> str:
    """Returns a digest of the rules: of all files under ``configs/cleaning``, and of the programs of this
    room. It is the same whatever ends the lines."""
    files = sorted(_FOLDER.glob("*.*")) + sorted(Path(__file__).parent.glob("*.py"))
    texts = (file.read_bytes().replace(b"\r\n", b"\n") for file in files)
    return hashlib.sha256(b"\0".join(texts)).hexdigest()


@cache
def occasions() -> dict[str, SceneWords]:
    """Returns scene → the words by which texts speak of it."""
    return {
        scene: SceneWords(tuple(v["own"]), tuple(v["signs"]), tuple(v.get("near", ())))
        for scene, v in _read("occasions").items()
    }


@cache
def phrases() -> dict[str, list[str]]:
    """Returns kind → regular expressions, from ``configs/cleaning/phrases.yaml``."""
    return _read("phrases")


@cache
def unsafe_words() -> tuple[dict[str, str], tuple[str, ...]]:
    """Returns word → the fault it stands for, and the harmless words that contain it."""
    file = _read("unsafe")
    return {word: kind for kind, words in file["words"].items() for word in words}, tuple(file["harmless"])


class Register(NamedTuple):
    """Words that some styles exclude, of which ``few`` are allowed per text; with ``one_line`` only texts of
    one line are meant."""

    styles: frozenset[str]
    few: int
    words: QuickPattern
    one_line: bool


@cache
def registers() -> tuple[Register, ...]:
    """Returns what ``configs/cleaning/registers.yaml`` says."""
    return tuple(
        Register(
            frozenset(entry["styles"]),
            entry["few"],
            QuickPattern("|".join(map(str, entry["words"]))),
            entry.get("one_line", False),
        )
        for entry in _read("registers").values()
    )


class OpeningBound(NamedTuple):
    """Share of a style's samples (0 to 1) that may have the same opening, and the number that is always
    allowed."""

    share: float
    at_least: int


class LatinBound(NamedTuple):
    """Share of a text (0 to 1) that may be Latin letters, and the number that is always allowed."""

    share: float
    always: int


@dataclass(frozen=True)
class Bounds:
    """Limits of the rules; see ``configs/cleaning/bounds.yaml``. ``marks`` maps a style to the number of
    equal marks allowed in a row ('' for styles not listed), ``emoji`` to the fewest and the most per text."""

    opening: OpeningBound
    latin: LatinBound
    marks: Mapping[str, int]
    emoji: Mapping[str, tuple[int, int]]


@cache
def bounds() -> Bounds:
    """Returns the limits of ``configs/cleaning/bounds.yaml``."""
    file = _read("bounds")
    return Bounds(
        opening=OpeningBound(**file["opening"]),
        latin=LatinBound(**file["latin"]),
        marks={"": file["marks"]["default"], **file["marks"]["styles"]},
        emoji={style: (low, high) for style, (low, high) in file["emoji"].items()},
    )
