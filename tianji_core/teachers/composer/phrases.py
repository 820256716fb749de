"""The contents of the composer's phrase files, and the phrases for a style, scene and receiver."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, field_validator

from tianji_core.errors import ComposerError
from tianji_core.i18n import _
from tianji_core.recipe import Name, Pronoun, Relation, SceneKind
from tianji_core.teachers.composer.grammar import Phrase, parse

ANY = "any"
PATTERNS = "patterns"
SPECIFIC_WEIGHT = 2


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Occasion(_Frozen):
    """The words by which a scene is recognised in a text. ``mentions``: any of them names the occasion.
    ``signs``: words that reveal the wrong occasion in a blessing for another scene; the mentions where the
    file lists none."""

    mentions: tuple[str, ...] = Field(min_length=1)
    signs: tuple[str, ...] = ()

    @property
    def telling(self) -> tuple[str, ...]:
        """Returns the words that may appear in a blessing for this scene only."""
        return self.signs or self.mentions


class Group(_Frozen):
    """A group of receivers: those for whom every given condition holds."""

    relations: tuple[Relation, ...] = ()
    pronoun: Pronoun | None = None
    names: tuple[str, ...] = ()
    other_than: tuple[str, ...] = ()

    def holds(self, name: Name) -> bool:
        """Whether ``name`` belongs to this group."""
        return (
            (not self.relations or name.relation in self.relations)
            and (self.pronoun is None or name.pronoun == self.pronoun)
            and (not self.names or name.text in self.names)
            and name.text not in self.other_than
        )


Bank = dict[str, tuple[str, ...]]
"""Group → phrases."""


def _bank(value: Any) -> Any:
    """Reads a plain list of phrases as phrases for everybody."""
    return {ANY: value} if isinstance(value, list) else value


class SceneFile(_Frozen):
    """``scenes.yaml``."""

    scenes: dict[str, Occasion] = Field(min_length=1)


class GroupFile(_Frozen):
    """``groups.yaml``."""

    groups: dict[str, Group]


class OptionFile(_Frozen):
    """``options.yaml``: axis → option → style → sentences that follow a text; :data:`ANY` stands for the
    styles that are not listed."""

    options: dict[str, dict[str, Bank]] = {}


class FactFile(_Frozen):
    """``facts.yaml``: sentences that use a detail, by style; ``theirs`` of the receiver alone, ``ours`` of
    the sender, too. An empty list says that a style has no room for them."""

    theirs: Bank = {}
    ours: Bank = {}


class MistakeTexts(_Frozen):
    """Wordings of deliberate mistakes; ``{name}`` and ``{scene}`` are filled in."""

    lead_ins: tuple[str, ...] = Field(min_length=1)
    titles: tuple[str, ...] = Field(min_length=1)
    particles: tuple[str, ...] = Field(min_length=1)


class StylePhrases(_Frozen):
    """One style file: patterns and banks for every scene, and the banks (and patterns) of each single scene,
    which replace the common ones of the same name. ``unlisted`` holds the banks for scenes that ``scenes``
    does not name, by their kind; those of ``any`` are for every kind."""

    style: str = Field(min_length=1)
    patterns: Bank
    banks: dict[str, Bank] = {}
    scenes: dict[str, dict[str, Bank]] = Field(min_length=1)
    unlisted: dict[SceneKind | Literal["any"], dict[str, Bank]] = {}

    @field_validator("patterns", mode="before")
    @classmethod
    def _plain_patterns(cls, value: Any) -> Any:
        return _bank(value)

    @field_validator("banks", mode="before")
    @classmethod
    def _plain_banks(cls, value: Any) -> Any:
        return {slot: _bank(bank) for slot, bank in value.items()} if isinstance(value, dict) else value

    @field_validator("scenes", "unlisted", mode="before")
    @classmethod
    def _plain_scenes(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        return {
            scene: {slot: _bank(bank) for slot, bank in banks.items()} if isinstance(banks, dict) else banks
            for scene, banks in value.items()
        }

    def banks_of(self, scene: str, kind: SceneKind | None) -> dict[str, Bank] | None:
        """Returns the banks of a scene, or those for its kind where the file does not name the scene; None
        where it has neither."""
        if scene in self.scenes:
            return self.scenes[scene]
        if kind is None or kind not in self.unlisted:
            return None
        return {**self.unlisted.get("any", {}), **self.unlisted[kind]}


class Choice(NamedTuple):
    """The phrases of a bank for one receiver: those for everybody, and the ``special`` ones of the receiver's
    groups."""

    anybody: tuple[Phrase, ...] = ()
    special: tuple[Phrase, ...] = ()

    @property
    def all(self) -> tuple[Phrase, ...]:
        """Both, each phrase once."""
        return tuple(dict.fromkeys(self.anybody + self.special))

    @property
    def special_share(self) -> float:
        """The probability (0-1) of a special phrase; higher than the share of special phrases."""
        weight = SPECIFIC_WEIGHT * len(self.special)
        return weight / ((weight + len(self.anybody)) or 1)


@dataclass(frozen=True)
class CellPhrases:
    """The patterns and banks of one style for one scene and one group of receivers."""

    patterns: Choice
    banks: dict[str, Choice]


@dataclass(frozen=True)
class Phrases:
    """All phrase files of one folder. ``scenes`` holds the words by which a scene is recognised."""

    folder: Path
    scenes: dict[str, Occasion]
    groups: dict[str, Group]
    mistakes: MistakeTexts
    styles: dict[str, StylePhrases]
    files: dict[str, Path]
    options: dict[str, dict[str, Bank]] = field(default_factory=dict)
    facts: FactFile = field(default_factory=FactFile)
    _cells: dict[tuple[str, str, SceneKind | None, frozenset[str]], CellPhrases] = field(
        default_factory=dict, repr=False
    )
    _members: dict[Name, frozenset[str]] = field(default_factory=dict, repr=False)

    def mentions(self, scene: str) -> tuple[str, ...]:
        """Returns the words that name ``scene``; the scene's own text where no file lists any."""
        occasion = self.scenes.get(scene)
        return occasion.mentions if occasion else (scene,)

    def shows(self, text: str, scene: str) -> bool:
        """Returns whether ``text`` names the occasion ``scene``."""
        return any(word in text for word in self.mentions(scene))

    def foreign_scenes(self, text: str, scene: str) -> list[str]:
        """Returns the other scenes that ``text``, written for ``scene``, names."""
        return [
            other
            for other, occasion in self.scenes.items()
            if other != scene and any(word in text for word in occasion.telling)
        ]

    def closings(self, axis: str, option: str, style: str) -> tuple[Phrase, ...]:
        """Returns the sentences by which a text of a style obeys an option, the shortest first; none where no
        file lists any."""
        bank = self.options.get(axis, {}).get(option, {})
        return tuple(sorted(map(parsed, bank.get(style, bank.get(ANY, ()))), key=lambda p: len(p.source)))

    def tellings(self, style: str, ours: bool) -> tuple[Phrase, ...]:
        """Returns the sentences by which a text of a style uses a detail, the shortest first."""
        bank = self.facts.ours if ours else self.facts.theirs
        return tuple(sorted(map(parsed, bank.get(style, bank.get(ANY, ()))), key=lambda p: len(p.source)))

    def cell(self, style: str, scene: str, name: Name, kind: SceneKind | None = None) -> CellPhrases:
        """Returns the phrases for one style, scene and receiver; those for the ``kind`` of the scene where
        the style does not name it.

        Raises:
            ComposerError: no file has this style, or its file lacks the scene or phrases for this receiver.
        """
        members = self._members.get(name)
        if members is None:
            members = frozenset(g for g, group in self.groups.items() if group.holds(name)) | {
                ANY,
                name.relation,
            }
            self._members[name] = members
        key = (style, scene, kind, members)
        if key not in self._cells:
            self._cells[key] = self._gather(style, scene, kind, members)
        return self._cells[key]

    def _gather(self, style: str, scene: str, kind: SceneKind | None, members: frozenset[str]) -> CellPhrases:
        phrases = self.styles.get(style)
        if phrases is None:
            raise ComposerError(
                _(
                    "离线造句没有风格“{style}”的语句；请在 {folder} 里添加一个 YAML 文件，写明 style: {style}",
                    style=style,
                    folder=self.folder / "styles",
                )
            )
        file = self.files[style]
        own = phrases.banks_of(scene, kind)
        if own is None:
            raise ComposerError(
                _(
                    "离线造句的风格“{style}”没有场景“{scene}”的语句；请在 {file} 的 scenes 里添加",
                    style=style,
                    scene=scene,
                    file=file,
                )
            )
        banks = {
            slot: _select(bank, members)
            for slot, bank in {**phrases.banks, **own}.items()
            if slot != PATTERNS
        }
        patterns = _select(own.get(PATTERNS, phrases.patterns), members)
        held = {slot: len(choice.all) for slot, choice in banks.items()}
        usable = Choice(*(tuple(p for p in part if not _lacking(p, held)) for part in patterns))
        if not any(usable):
            lacking = sorted({slot for p in patterns.all for slot in _lacking(p, held)})
            raise ComposerError(
                _(
                    "{file} 的 scenes.{scene} 对 {group} 没有可用的句式；不够用的语句：{slots}",
                    file=file,
                    scene=scene,
                    group="/".join(sorted(members - {ANY})),
                    slots="、".join(lacking) or PATTERNS,
                )
            )
        return CellPhrases(usable, banks)


def _select(bank: Bank, members: frozenset[str]) -> Choice:
    special = (texts for group, texts in bank.items() if group in members and group != ANY)
    return Choice(
        tuple(parsed(text) for text in bank.get(ANY, ())),
        tuple(parsed(text) for texts in special for text in texts),
    )


parsed = lru_cache(maxsize=None)(parse)


def _lacking(pattern: Phrase, held: Mapping[str, int]) -> list[str]:
    """Returns the slots for which fewer phrases are ``held`` than the pattern uses."""
    return [slot for slot, used in Counter(pattern.slots).items() if held.get(slot, 0) < used]
