"""Fresh receivers and occasions: names of one relation and pronoun, occasions of one kind, that no list of a
recipe holds. Their words stand in ``configs/dataset/fresh_words.yaml``. Pure except for that file."""

from collections import Counter
from functools import cache
from random import Random

from pydantic import BaseModel, ConfigDict, Field

from tianji_core.project import CONFIGS
from tianji_core.recipe import Name, Pronoun, Recipe, Scene, SceneKind, shipped_kind
from tianji_core.yaml_reading import read_yaml

_SHARES = {"titles": 35, "kin": 17, "given": 18, "suffixes": 8, "nicknames": 10, "plain": 12}
"""How often a name is built in each way, where its group has that way."""

_SHARED = 2
"""Listed receivers that need to have an ending before fresh ones get it."""
_MADE = 0.7
"""Share of occasions that are made of two parts, where their kind has such."""


class NameGroup(BaseModel):
    """The ways to name a receiver of one relation (its id) and pronoun; see the comment of the file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    relation: str
    pronoun: Pronoun
    titles: tuple[str, ...] = ()
    prefixes: tuple[str, ...] = ()
    kin: tuple[str, ...] = ()
    plain: tuple[str, ...] = ()
    suffixes: tuple[str, ...] = ()
    nicknames: tuple[str, ...] = ()
    given: bool = False


class MadeOccasions(BaseModel):
    """Occasions made of a start and an end; the wish is the occasion with one of ``wish`` behind it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    starts: tuple[str, ...] = Field(min_length=1)
    ends: tuple[str, ...] = Field(min_length=1)
    wish: tuple[str, ...] = Field(min_length=1)


class FreshWords(BaseModel):
    """The words of the file. ``occasions`` maps a kind to occasion → greeting, ``made`` to further ones;
    ``only_for`` a pronoun to the occasions that need it. ``kin_words`` are words that show who a receiver is,
    so that a text which holds one is left to its own receiver; ``colours`` maps an occasion to further words
    that only its own texts hold, ``called`` to further nouns for it that a fresh one may replace; ``emoji``
    are those of single occasions."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    surnames: tuple[str, ...] = Field(min_length=1)
    given: str = Field(min_length=1)
    names: tuple[NameGroup, ...] = Field(min_length=1)
    occasions: dict[SceneKind, dict[str, str]]
    made: dict[SceneKind, tuple[MadeOccasions, ...]]
    only_for: dict[Pronoun, tuple[str, ...]]
    kin_words: tuple[str, ...]
    emoji: str
    colours: dict[str, tuple[str, ...]]
    called: dict[str, tuple[str, ...]]

    def group(self, name: Name) -> NameGroup | None:
        """The group of a receiver, None where there is none."""
        return next((g for g in self.names if (g.relation, g.pronoun) == (name.relation, name.pronoun)), None)

    def name(self, group: NameGroup, source: Random) -> str:
        """Draws a name of a group."""
        ways = [way for way in _SHARES if getattr(group, way)]
        way = source.choices(ways, [_SHARES[one] for one in ways])[0]
        if way == "titles":
            return source.choice(self.surnames) + source.choice(group.titles)
        if way == "kin":
            return source.choice(group.prefixes) + source.choice(group.kin)
        if way == "given":
            surname = source.choice(self.surnames) if source.random() < 0.7 else ""
            return surname + self._given(source, 1 if surname and source.random() < 0.4 else 2)
        if way == "suffixes":
            return self._given(source, 1) + source.choice(group.suffixes)
        if way == "nicknames":
            called = source.choice(self.surnames) if source.random() < 0.5 else self._given(source, 1)
            return source.choice(group.nicknames) + called
        return source.choice(group.plain)

    def occasion(self, scene: Scene, pronoun: Pronoun, source: Random) -> Scene | None:
        """Draws an occasion of the kind of ``scene`` that suits somebody addressed by ``pronoun``; None where
        the file has none."""
        kind = shipped_kind(scene.kind)
        known = self.occasions.get(kind) if kind is not None else None
        if kind is None or not known:
            return None
        made = self.made.get(kind, ())
        if made and source.random() < _MADE:
            parts = source.choices(made, [len(one.starts) * len(one.ends) for one in made])[0]
            text = source.choice(parts.starts) + source.choice(parts.ends)
            return Scene(text=text, kind=scene.kind, greeting=text + source.choice(parts.wish))
        text = source.choice(list(known))
        if any(text in only for other, only in self.only_for.items() if other is not pronoun):
            return None
        return Scene(text=text, kind=scene.kind, greeting=known[text])

    def _given(self, source: Random, size: int) -> str:
        return "".join(source.choices(self.given, k=size))


@cache
def fresh_words() -> FreshWords:
    """The words of ``configs/dataset/fresh_words.yaml``."""
    return FreshWords.model_validate(read_yaml(CONFIGS / "dataset" / "fresh_words.yaml"))


def words_of(recipe: Recipe) -> FreshWords:
    """The fresh words of a recipe. One about no blessings takes none of the shipped ones: its receivers are a
    surname with what several listed ones of the same kind have behind theirs (赵先生, 钱女士); occasions that
    nobody listed are not made up."""
    words = fresh_words()
    if recipe.blessings:
        return words
    surnames = sorted(words.surnames, key=len, reverse=True)  # 欧阳 is not 欧
    ends: dict[tuple[str, Pronoun], Counter[str]] = {}
    for name in recipe.names if recipe.receivers else ():
        surname = next((one for one in surnames if name.text.startswith(one)), "")
        if surname and name.text != surname:
            kind = ends.setdefault((name.relation, name.pronoun), Counter())
            kind[name.text.removeprefix(surname)] += 1
    groups = tuple(
        NameGroup(relation=relation, pronoun=pronoun, titles=titles)
        for (relation, pronoun), counted in ends.items()
        if (titles := tuple(end for end, number in counted.items() if number >= _SHARED))
    )
    return words.model_copy(update={"names": groups, "occasions": {}, "made": {}})
