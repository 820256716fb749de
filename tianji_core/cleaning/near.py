"""Near duplicates: candidates by MinHash over character 3-grams, verified pair by pair. Pure.

A text's signature is 128 MinHash values in 32 bands of 4. Two texts that share a band are candidates; they
are near duplicates when their Indel similarity (2 × longest common subsequence / both lengths) is at least
:data:`SIMILAR`. With these numbers a pair at 0.85 shares a band with a probability of about 0.99, because on
short Chinese texts 0.85 Indel means about 0.6 Jaccard over 3-grams."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import numpy as np

    Keys = np.ndarray[tuple[int, int], np.dtype[np.uint64]]
    Ints = np.ndarray[tuple[int, ...], np.dtype[np.int64]]

SIMILAR = 0.85
"""The Indel similarity (0 to 1) from which two texts count as near duplicates."""
GRAM, BANDS, ROWS = 3, 32, 4
_SEED = 42
_WHOLE_BUCKET = 300
"""Largest bucket in which all texts are compared with each other. In a larger one each text is compared with
its neighbours in alphabetical order and with the first text: ten thousand equal texts would make fifty
million pairs."""
_NEIGHBOURS = 20
_PAIRS_AT_ONCE = 250_000
_MIX = (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0x27D4EB2F165667C5)
"""Odd 64-bit constants (golden ratio and xxHash primes) that fold the four values of a band into one key."""


class NearPair(NamedTuple):
    """Two texts by index, ``first`` < ``second``, and their similarity (0 to 1)."""

    first: int
    second: int
    similarity: float


def band_keys(texts: Sequence[str]) -> "Keys":
    """Returns the signatures of texts as an array (texts, 32) of 64-bit keys; equal keys in a column mean a
    shared band."""
    import numpy as np
    from rensa import RMinHash

    digests = np.empty((len(texts), BANDS * ROWS), dtype=np.uint32)
    for number, text in enumerate(texts):
        sketch = RMinHash(num_perm=BANDS * ROWS, seed=_SEED)
        sketch.update(_grams(text))
        digests[number] = sketch.digest()
    bands = digests.reshape(len(texts), BANDS, ROWS).astype(np.uint64)
    keys = np.zeros((len(texts), BANDS), dtype=np.uint64)
    for number, odd in enumerate(_MIX):
        keys ^= bands[:, :, number] * np.uint64(odd)
    return keys


def _grams(text: str) -> list[str]:
    """Returns the 3-grams of a text, a shorter text itself."""
    return list(map(str.__add__, map(str.__add__, text, text[1:]), text[2:])) or [text]


def near_pairs(texts: Sequence[str], keys: "Keys", due: Iterable[int] | None = None) -> list[NearPair]:
    """Returns all pairs of near duplicates; with ``due`` only those that contain one of these indexes."""
    import numpy as np

    if len(texts) < 2:
        return []
    is_due = None
    if due is not None:
        is_due = np.zeros(len(texts), dtype=bool)
        is_due[list(due)] = True
    # In the order of the texts, so that neighbours in a large bucket begin alike.
    order = np.array(sorted(range(len(texts)), key=texts.__getitem__), dtype=np.int64)
    lengths = np.fromiter((len(text) for text in texts), dtype=np.int64, count=len(texts))
    candidates = np.sort(
        np.concatenate([_bucket_pairs(keys[order, band], order, is_due, lengths) for band in range(BANDS)])
    )
    candidates = candidates[np.concatenate(([True], candidates[1:] != candidates[:-1]))[: len(candidates)]]
    first, second = candidates // len(texts), candidates % len(texts)
    return _verified(texts, first, second)


def _bucket_pairs(
    column: "np.ndarray[tuple[int], np.dtype[np.uint64]]",
    order: "Ints",
    is_due: "np.ndarray[tuple[int], np.dtype[np.bool_]] | None",
    lengths: "Ints",
) -> "Ints":
    """Returns the pairs that share a key of ``column`` (in the order ``order``) as first × number of texts +
    second."""
    import numpy as np

    by_key = np.argsort(column, kind="stable")
    same, members = column[by_key], order[by_key]
    edges = np.flatnonzero(np.concatenate(([True], same[1:] != same[:-1], [True])))
    sizes = np.diff(edges)
    size_at = np.repeat(sizes, sizes)
    pairs: list[tuple[Ints, Ints]] = []
    # Equal keys are adjacent: a place with an equal key at distance n has one at n - 1 too.
    places = np.flatnonzero(size_at > 1)
    for step in range(1, int(sizes.max())):
        if step > _NEIGHBOURS:
            places = places[size_at[places] <= _WHOLE_BUCKET]
        places = places[places + step < len(same)]
        places = places[same[places] == same[places + step]]
        if not len(places):
            break
        pairs.append((members[places], members[places + step]))
    large = np.flatnonzero(size_at > _WHOLE_BUCKET)
    if len(large):
        pairs.append((members[np.repeat(edges[:-1], sizes)[large]], members[large]))
    if not pairs:
        return np.empty(0, dtype=np.int64)
    left = np.concatenate([pair[0] for pair in pairs])
    right = np.concatenate([pair[1] for pair in pairs])
    mine = left != right if is_due is None else (is_due[left] | is_due[right]) & (left != right)
    shorter = np.minimum(lengths[left], lengths[right])
    mine &= 2 * shorter >= SIMILAR * (lengths[left] + lengths[right])
    left, right = left[mine], right[mine]
    return np.minimum(left, right) * len(order) + np.maximum(left, right)


def _verified(texts: Sequence[str], first: "Ints", second: "Ints") -> list[NearPair]:
    import numpy as np
    from rapidfuzz.distance import Indel
    from rapidfuzz.process import cpdist

    pairs: list[NearPair] = []
    for start in range(0, len(first), _PAIRS_AT_ONCE):
        left, right = first[start : start + _PAIRS_AT_ONCE], second[start : start + _PAIRS_AT_ONCE]
        likeness = cpdist(
            [texts[i] for i in left],
            [texts[i] for i in right],
            scorer=Indel.normalized_similarity,
            score_cutoff=SIMILAR,
            dtype=np.float32,
            workers=-1,
        )
        for place in np.flatnonzero(likeness):
            pairs.append(NearPair(int(left[place]), int(right[place]), float(likeness[place])))
    return pairs


def alike(first: str, second: str) -> bool:
    """Returns whether two texts are near duplicates."""
    from rapidfuzz.distance import Indel

    return Indel.normalized_similarity(first, second, score_cutoff=SIMILAR) > 0


def leaders(
    order: Sequence[int], pairs: Iterable[NearPair], standing: Iterable[int] = ()
) -> dict[int, tuple[int, float]]:
    """Returns the texts that repeat another one: index → (index of the kept text, similarity). Goes through
    ``order``; a text that resembles one kept so far, or one of ``standing``, is left out in favour of the
    most similar of these. So every text left out has a kept twin."""
    near: dict[int, list[tuple[float, int]]] = {}
    for first, second, similarity in pairs:
        near.setdefault(first, []).append((similarity, second))
        near.setdefault(second, []).append((similarity, first))
    kept, repeated = set(standing), {}
    for index in order:
        twins = [(similarity, -other) for similarity, other in near.get(index, ()) if other in kept]
        if twins:
            similarity, other = max(twins)
            repeated[index] = (-other, similarity)
        else:
            kept.add(index)
    return repeated
