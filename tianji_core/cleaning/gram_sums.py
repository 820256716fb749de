"""Sums of the weights of linear models over character n-grams, for many texts and models at once. Pure."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

    Ints = np.ndarray[tuple[int, ...], np.dtype[np.int64]]

_CODES = 0x110000
_BEGINS, _ENDS = "^", "$"


class GramSums:
    """The weights of several models, each n-gram → weight; of these the 1- and 2-grams count."""

    def __init__(self, models: Sequence[dict[str, int]]) -> None:
        import numpy as np

        single, double = ([{w: n for w, n in m.items() if len(w) == size} for m in models] for size in (1, 2))
        signs = {_BEGINS, _ENDS}.union(*(word for each in (*single, *double) for word in each))
        # The number of a character, 0 for one in no n-gram.
        self._place: Ints = np.zeros(_CODES, dtype=np.int64)
        self._place[_codes("".join(signs))] = np.arange(1, len(signs) + 1)
        self._number = len(signs) + 1
        # A row of weights for each character, and for each pair, in the order of their numbers.
        self._single: Ints = np.zeros((self._number, len(models)), dtype=np.int64)
        self._pairs: Ints = np.unique(np.concatenate([self._keys("".join(each))[::2] for each in double]))
        self._double: Ints = np.zeros((len(self._pairs) + 1, len(models)), dtype=np.int64)
        for n, (ones, twos) in enumerate(zip(single, double, strict=True)):
            self._single[self._place[_codes("".join(ones))], n] = list(ones.values())
            rows = np.searchsorted(self._pairs, self._keys("".join(twos))[::2])
            self._double[rows, n] = list(twos.values())

    def _keys(self, text: str) -> "Ints":
        """Returns the numbers of the pairs of neighbouring characters."""
        numbers = self._place[_codes(text)]
        return numbers[:-1] * self._number + numbers[1:]

    def __call__(self, texts: Sequence[str]) -> list[list[int]]:
        """Returns for each text the sum of the weights of its n-grams in each model; its ends count as the
        marks ``^`` and ``$`` in 2-grams."""
        import numpy as np

        if not texts:
            return []
        whole = "".join(f"{_BEGINS}{text}{_ENDS}" for text in texts)
        keys, nothing = self._keys(whole), len(self._pairs)
        rows = np.searchsorted(self._pairs, keys)
        rows[self._pairs[np.minimum(rows, nothing - 1)] != keys] = nothing
        stops = np.cumsum(np.fromiter(map(len, texts), np.int64, len(texts)) + 2)
        rows[stops[:-1] - 1] = nothing  # the end of one text with the beginning of the next
        added = self._single[self._place[_codes(whole)]]
        added[:-1] += self._double[rows]
        totals = np.cumsum(added, axis=0)[stops - 1]
        ends = self._single[self._place[_codes(_BEGINS + _ENDS)]].sum(axis=0)  # these two are in no 1-gram
        sums: list[list[int]] = (np.diff(totals, axis=0, prepend=np.zeros_like(totals[:1])) - ends).tolist()
        return sums


def _codes(text: str) -> "Ints":
    import numpy as np

    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4").astype(np.int64)
