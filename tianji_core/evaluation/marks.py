"""The marks of the styles, read from ``configs/evaluation/marks.yaml``, and the measures that they use."""

import re
from functools import lru_cache
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from tianji_core.errors import RecipeError, YamlError
from tianji_core.project import CONFIGS
from tianji_core.recipe import explain
from tianji_core.yaml_reading import read_yaml

FILE = CONFIGS / "evaluation" / "marks.yaml"
_EMOJI = re.compile("[\u2300-\u23ff\u2600-\u27bf\u2b00-\u2bff\U0001f000-\U0001faff]")
_PARTICLE = re.compile("(?:[呀哦啦呢哟嘛喔啊吖噢][~～！!。]*|[~～])$")
_CLAUSE = re.compile("[，。；！？、：,!?;:\\s]+")


class Marks(BaseModel):
    """The marks of one style; the fields are explained in the file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    emoji: tuple[int, int] = (0, 10_000)
    closing_particle: bool | None = None
    words_any: tuple[str, ...] = ()
    words_none: tuple[str, ...] = ()
    verse: bool = False
    addresses: bool = False

    def shown_by(self, text: str) -> bool:
        """Whether ``text`` carries every mark of the style."""
        low, high = self.emoji
        return (
            low <= emoji_count(text) <= high
            and (self.closing_particle is None or closes_on_particle(text) is self.closing_particle)
            and (not self.words_any or any(word in text for word in self.words_any))
            and not any(word in text for word in self.words_none)
            and (not self.verse or is_verse(text))
        )


class MarkFile(BaseModel):
    """The file: marks per style, other words for a receiver, and classical forms of address."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    aliases: dict[str, tuple[str, ...]]
    classical: tuple[str, ...]
    styles: dict[str, Marks]

    def of(self, style: str) -> Marks:
        """Returns the marks of a style; a style that is not listed has none."""
        return self.styles.get(style, Marks())


@lru_cache
def load_marks(file: Path = FILE) -> MarkFile:
    """Reads the file.

    Raises:
        RecipeError: the file is missing, is not YAML, or has wrong fields.
    """
    try:
        return MarkFile.model_validate(read_yaml(file))
    except YamlError as error:
        raise RecipeError(str(error)) from error
    except ValidationError as error:
        raise RecipeError(f"{file}：{explain(error)}") from error


def emoji_count(text: str) -> int:
    """Returns the number of emoji in ``text``; joiners and variation selectors do not count."""
    return len(_EMOJI.findall(text))


def closes_on_particle(text: str) -> bool:
    """Whether ``text`` ends with a modal particle (呀 哦 啦 …) or a tilde; emoji after it are ignored."""
    bare = _EMOJI.sub("", text).replace("\ufe0f", "").rstrip()
    return _PARTICLE.search(bare) is not None


def is_verse(text: str) -> bool:
    """Whether ``text`` has the line form of a poem: at least two thirds of its clauses are 4 to 9 characters
    long and have the length of another clause."""
    clauses = [len(clause) for clause in _CLAUSE.split(text) if clause]
    if len(clauses) < 2:
        return False
    regular = [n for n in clauses if 4 <= n <= 9 and clauses.count(n) >= 2]
    return 3 * len(regular) >= 2 * len(clauses)
