"""Tells that a text wishes another occasion than its own, whatever that is called. Pure; what is wished on
which occasion stands in ``configs/cleaning/festivals.yaml``."""

import re
from functools import cache, lru_cache

from tianji_core.project import CONFIGS
from tianji_core.yaml_reading import read_yaml

_GREETED = re.compile(r"(?P<day>(?:(?![佳双过春秋此本个祝是年])[一-鿿]){1,4}节)(?:快乐|安康|吉祥)")
"""A festival of any name that is wished."""
_EMPTY = frozenset(
    {"快乐", "顺利", "成功", "节日", "纪念", "祝福", "恭喜", "庆祝", "平安", "安康", "之喜", "大吉", "好成"}
)
"""Parts of the name of an occasion that any blessing has."""


@cache
def _kinds() -> list[tuple[re.Pattern[str], str]]:
    return [
        (re.compile(row["scene"]), f"(?:{row['said']})")
        for row in read_yaml(CONFIGS / "cleaning" / "festivals.yaml")
    ]


@lru_cache(maxsize=1_000)
def _others(scene: str) -> re.Pattern[str]:
    """Returns what wishes an occasion that ``scene`` is none of."""
    said = [said for fits, said in _kinds() if fits.search(scene) is None]
    return re.compile("|".join(said) or r"(?!)")


@lru_cache(maxsize=1_000)
def _own(scene: str) -> tuple[tuple[str, ...], re.Pattern[str]]:
    """Returns the words and wishes by which a text speaks of ``scene``."""
    pairs = {scene[i : i + 2] for i in range(len(scene) - 1)} - _EMPTY
    said = [said for fits, said in _kinds() if fits.search(scene) is not None]
    return tuple(pairs), re.compile("|".join(said) or r"(?!)")


def other_occasion(text: str, scene: str) -> str | None:
    """Returns the words by which a text wishes another occasion than ``scene``, None if it wishes none, or
    its own as well."""
    match = _others(scene).search(text)
    word = match.group() if match is not None else None
    if word is None and (greeted := _GREETED.search(text)) is not None:
        day = greeted["day"]
        word = greeted.group() if set(day[:-1]).isdisjoint(scene) else None
    if word is None:
        return None
    pairs, own = _own(scene)
    return None if any(pair in text for pair in pairs) or own.search(text) else word
