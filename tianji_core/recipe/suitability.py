"""适配度: how well a scene suits a name: 0 unsuitable, 1 doubtful, 2 suitable (the default)."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from tianji_core.i18n import N_

UNSUITABLE, DOUBTFUL, SUITABLE = 0, 1, 2
VALUE_TITLES = {UNSUITABLE: N_("不适合"), DOUBTFUL: N_("存疑"), SUITABLE: N_("适合")}


class SuitabilityGroup(BaseModel):
    """Every cell of ``names`` × ``scenes`` has ``value``, for ``reason``. Later groups take precedence."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    names: tuple[str, ...] = Field(min_length=1)
    scenes: tuple[str, ...] = Field(min_length=1)
    value: int = Field(ge=UNSUITABLE, le=SUITABLE)
    reason: str = ""

    def restricted_to(self, names: Collection[str], scenes: Collection[str]) -> "SuitabilityGroup | None":
        """Returns this group with only the given names and scenes, None if nothing is left."""
        kept_names = tuple(n for n in self.names if n in names)
        kept_scenes = tuple(s for s in self.scenes if s in scenes)
        if not kept_names or not kept_scenes:
            return None
        return self.model_copy(update={"names": kept_names, "scenes": kept_scenes})


class StyleGap(BaseModel):
    """风格例外: ``styles`` are not written for ``names`` × ``scenes``, for ``reason``. No names mean every
    name, no scenes every scene."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    styles: tuple[str, ...] = Field(min_length=1)
    names: tuple[str, ...] = ()
    scenes: tuple[str, ...] = ()
    reason: str = ""

    def covers(self, style: str, name: str, scene: str) -> bool:
        """Returns whether this gap concerns a style in a cell."""
        return (
            style in self.styles
            and (not self.names or name in self.names)
            and (not self.scenes or scene in self.scenes)
        )

    def restricted_to(
        self, styles: Collection[str], names: Collection[str], scenes: Collection[str]
    ) -> "StyleGap | None":
        """Returns this gap with only the given entries, None if one of its lists becomes empty."""
        kept = []
        for own, given in ((self.styles, styles), (self.names, names), (self.scenes, scenes)):
            kept.append(tuple(text for text in own if text in given))
            if own and not kept[-1]:
                return None
        return self.model_copy(update={"styles": kept[0], "names": kept[1], "scenes": kept[2]})


class Rating(NamedTuple):
    """The value of one cell and its reason."""

    value: int
    reason: str


_DEFAULT = Rating(SUITABLE, "")


@dataclass
class Suitability:
    """A sparse name × scene matrix: cells not listed are suitable."""

    cells: dict[tuple[str, str], Rating] = field(default_factory=dict)

    @classmethod
    def from_groups(cls, groups: Iterable[SuitabilityGroup]) -> "Suitability":
        """Returns the matrix of these groups, later ones taking precedence."""
        cells = {(n, s): Rating(g.value, g.reason) for g in groups for n in g.names for s in g.scenes}
        return cls({cell: rating for cell, rating in cells.items() if rating != _DEFAULT})

    def rating(self, name: str, scene: str) -> Rating:
        """Returns value and reason of a cell."""
        return self.cells.get((name, scene), _DEFAULT)

    def value(self, name: str, scene: str) -> int:
        """Returns 0, 1 or 2."""
        return self.rating(name, scene).value

    def set(self, name: str, scene: str, value: int, reason: str = "") -> None:
        """Sets the value of a cell."""
        if value not in VALUE_TITLES:
            raise ValueError(f"suitability is 0, 1 or 2, not {value!r}")
        rating = Rating(value, reason)
        if rating == _DEFAULT:
            self.cells.pop((name, scene), None)
        else:
            self.cells[name, scene] = rating

    def cycle(self, name: str, scene: str) -> int:
        """Moves a cell 2 → 1 → 0 → 2 and returns its new value."""
        value = (self.value(name, scene) - 1) % 3
        self.set(name, scene, value)
        return value

    def cycle_all(self, cells: Iterable[tuple[str, str]]) -> int:
        """Moves a whole row or column and returns its new value: equal cells go 2 → 1 → 0 → 2, mixed ones
        become unsuitable first."""
        cells = list(cells)
        values = {self.value(*cell) for cell in cells}
        value = (values.pop() - 1) % 3 if len(values) == 1 else UNSUITABLE
        for cell in cells:
            self.set(*cell, value)
        return value

    def to_groups(self) -> tuple[SuitabilityGroup, ...]:
        """Returns the matrix as few groups: names with the same scenes, value and reason are grouped."""
        by_name: dict[tuple[str, Rating], list[str]] = defaultdict(list)
        for (name, scene), rating in self.cells.items():
            by_name[name, rating].append(scene)
        by_scenes: dict[tuple[tuple[str, ...], Rating], list[str]] = defaultdict(list)
        for (name, rating), scenes in by_name.items():
            by_scenes[tuple(scenes), rating].append(name)
        return tuple(
            SuitabilityGroup(names=tuple(names), scenes=scenes, value=rating.value, reason=rating.reason)
            for (scenes, rating), names in by_scenes.items()
        )
