"""Leaves out what a printer repeats in the margins of every page: title, address, date and number. Pure."""

import re
from collections import Counter

_EDGE = 4
"""Lines at the beginning and at the end of a page among which its margins are read."""
_SHARE = 0.6
"""Share of the pages that have a line in their margins from which it belongs to none of them."""
_NUMBERS = re.compile(r"[\d\s/:,.\-–—第页共年月日of]*(?:[AaPp]\.?[Mm]\.?)?\s*\Z")
_NUMBER = "#"


def without_margins(text: str) -> str:
    """Returns the text of pages, which form feeds part, without the lines that recur in their margins; the
    number of a page and a date count as one line whatever they are."""
    pages = [page.split("\n") for page in text.split("\f")]
    written = [page for page in pages if any(line.strip() for line in page)]
    if len(written) < 2:
        return text
    counted = Counter(key for page in written for key in {_key(page[at]) for at in _edges(page)})
    recurring = {key for key, number in counted.items() if number >= max(2, _SHARE * len(written))}
    for page in written:
        for at in sorted(_edges(page), reverse=True):
            if _key(page[at]) in recurring:
                del page[at]
    return "\f".join("\n".join(page) for page in pages)


def _edges(page: list[str]) -> list[int]:
    filled = [at for at, line in enumerate(page) if line.strip()]
    return sorted({*filled[:_EDGE], *filled[-_EDGE:]})


def _key(line: str) -> str:
    bare = " ".join(line.split())
    return _NUMBER if _NUMBERS.match(bare) else bare
