"""By which words a text speaks of a receiver or of an entry of the list of scenes, told from the lists alone:
what no other entry of a list has tells of its own. Pure."""

from collections import Counter
from collections.abc import Sequence

_SHORTENED = 2
"""Characters that the short form of a name leaves out and has at least: 刘叔 of 老主顾刘叔, never 女士 of 林女士."""
_COMMON = frozenset(
    "的了没有不太错一二三两几个到来要被把和在是给多少上下里外人天月年日小大发过去出回入中后前时为"
)
"""Characters that tell nothing of an entry when they stand alone."""
_ENOUGH = 2
"""Single characters of an entry, which no other one has, by which a text speaks of it."""
_SURELY, _MOSTLY = 3, 0.6
"""Single characters and the share of all of an entry by which a text surely speaks of it."""
_SHARED = 3
"""Names that end alike from which the end is a title: 女士 of 林女士, 何女士 and 吕女士."""


class SpokenOf:
    """The words of the entries of one list."""

    def __init__(self, entries: Sequence[str]) -> None:
        self.words = _telling_words(entries)
        self.characters = _telling_characters(entries)

    def says(self, text: str, entry: str) -> bool:
        """Whether a text speaks of an entry: two neighbouring characters that no other one has stand in it,
        or two telling ones apart from each other."""
        if entry not in self.words:
            return entry in text
        alone = sum(character in text for character in self.characters[entry])
        return alone >= _ENOUGH or any(word in text for word in self.words[entry])

    def another(self, text: str, entry: str) -> str | None:
        """Returns the entry of which a text surely speaks where it does not speak of ``entry``: named whole,
        or by most of its characters."""
        if self.says(text, entry):
            return None
        return next((other for other in self.words if other not in entry and self._surely(text, other)), None)

    def _surely(self, text: str, entry: str) -> bool:
        if entry in text:
            return True
        found = sum(character in text for character in self.characters[entry])
        return found >= _SURELY and found >= _MOSTLY * len(entry)


def _telling_words(entries: Sequence[str]) -> dict[str, frozenset[str]]:
    """Returns entry → its telling pairs of characters that no other one has; itself where it has none."""
    pairs = {
        entry: {
            pair
            for at in range(len(entry) - 1)
            if (pair := entry[at : at + 2]).isalnum() and not _COMMON.issuperset(pair)
        }
        for entry in entries
    }
    often = Counter(pair for own in pairs.values() for pair in own)
    return {
        entry: frozenset(pair for pair in own if often[pair] == 1) or frozenset({entry})
        for entry, own in pairs.items()
    }


def _telling_characters(entries: Sequence[str]) -> dict[str, frozenset[str]]:
    """Returns entry → its telling characters that no other one has."""
    often = Counter(character for entry in entries for character in set(entry))
    return {
        entry: frozenset(c for c in entry if often[c] == 1 and c.isalnum() and c not in _COMMON)
        for entry in entries
    }


def short_names(names: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Returns name → its ends that no other of ``names`` has, by which people call them: 马阿姨 of
    三号楼的马阿姨."""
    parts = {
        name: {name[at:end] for at in range(len(name)) for end in range(at + _SHORTENED, len(name) + 1)}
        for name in names
    }
    often = Counter(part for own in parts.values() for part in own)
    return {
        name: tuple(
            name[at:] for at in range(_SHORTENED, len(name) - _SHORTENED + 1) if often[name[at:]] == 1
        )
        for name in names
    }


def shared_titles(names: Sequence[str]) -> frozenset[str]:
    """Returns the two characters with which several longer names end: 女士 of 林女士."""
    often = Counter(name[-2:] for name in names if len(name) > len("女士"))
    return frozenset(title for title, times in often.items() if times >= _SHARED and title.isalpha())
