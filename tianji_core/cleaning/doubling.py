"""Finds what a text says twice: sentences said once more right behind, nearly the same sentence at any
distance, a text that turns in a circle. Pure."""

import re
from bisect import bisect_right
from collections import Counter

from tianji_core.cleaning.quick import QuickPattern

_SENTENCE = re.compile(r"[^。！？!?~～…\n]+")
_END = re.compile(r"[。！？!?~～…]+|\n")
_BLOCK = 7
"""Characters from which a sentence or several, said once more right behind, are no refrain."""
_TRIES = 64
"""Later places of a sentence that are looked at: a bound for texts that say one sentence on every line."""
LOOP = re.compile(r"([^，。！？!?~～…\n]{3,40}?[，、；,;。])(?:\s*\1){3,}")
"""A clause said four times in a row: the teacher could not stop."""
_SHORTEST = 8
"""Characters from which a repeated sentence is no refrain."""
_GRAM = 3
_ALIKE = 0.62
"""Share of the 3-grams of the shorter of two sentences from which they say the same."""
_COMMON = 6
"""3-grams that two sentences must at least have in common."""
_CIRCLE = 0.4
"""Share of the 5-grams of a text that it has said before, from which it turns in a circle."""
_LONG = 16
"""Characters from which a text can turn in a circle."""
_STUTTER = re.compile(r"([\u4e00-\u9fff]{2,3})\1|的的(?!确)|愿愿|祝祝|您您|在在")
_DOUBLE = QuickPattern(r"(?:的的|愿愿|祝祝|您您|在在)(?!确)")
"""What is never said twice in a row; words of two characters sometimes are."""
_MARKS = re.compile(r"[^\u3400-\u9fffA-Za-z0-9]+")


def _sentences(text: str) -> list[tuple[int, int]]:
    """Returns where each sentence begins, spaces before it included, and where the marks at its end do."""
    found, start = [], 0
    for end in _END.finditer(text):
        if end.group() != "\n":
            found.append((start, end.end()))
        start = end.end()
    return found


def doubled(text: str) -> tuple[int, int] | None:
    """Returns where the second time begins and ends of sentences that are said once more right behind."""
    if "\n" not in text:
        sentences = [part.lstrip() for part in _END.split(text)[:-1]]
        if len(set(sentences)) == len(sentences):
            return None
    found = _sentences(text)
    words = [text[start:end].strip().rstrip("。！？!?~～…") for start, end in found]
    places: dict[str, list[int]] = {}
    for number, said in enumerate(words):
        places.setdefault(said, []).append(number)
    if len(places) == len(found):
        return None
    for number, (start, _end) in enumerate(found):
        later = places[words[number]]
        after = bisect_right(later, number)
        for again in later[after : after + _TRIES]:
            if again > number + 1 and words[number + 1] != "".join(words[again + 1 : again + 2]):
                continue
            end, second = found[again - 1][1], found[again][0]
            once = text[start:end]
            if len(once) < _BLOCK or "\n" in once or text[end:second].strip():
                continue
            once = once.lstrip()
            second = text.index(words[again], second)  # past the spaces before it
            if text.startswith(once, second):
                return end, second + len(once)
    return None


def repeated(text: str, verse: bool) -> str | None:
    """Returns a sentence that a text has said before, word by word or nearly so, None if there is none. In
    ``verse`` only the same words count, since verses have refrains."""
    words = _MARKS.sub("", text)
    pairs = list(map(str.__add__, words, words[1:]))
    if len(pairs) - len(set(pairs)) < 2:  # nothing of three characters comes twice, no clause four times
        return None if verse or len(text) < _LONG else _stutter(text)
    if (loop := LOOP.search(text)) is not None:
        return loop.group(1)
    said = [match.group().strip("，、 \t") for match in _SENTENCE.finditer(text)]
    seen: set[str] = set()
    for sentence in said:
        if len(sentence) >= _SHORTEST and sentence in seen:
            return sentence
        seen.add(sentence)
    if verse or len(text) < _LONG:
        return None
    grams = list(map(str.__add__, pairs, words[2:]))
    if len(grams) - len(set(grams)) < 2:
        return _stutter(text)
    return _nearly(said) or _circle(text) or _stutter(text)


def _nearly(sentences: list[str]) -> str | None:
    """Returns a sentence of which an earlier one has nearly all the words, or that has nearly all of an
    earlier one's."""
    if len(sentences) < 2:
        return None
    first: dict[str, int] = {}
    sizes = []
    for number, sentence in enumerate(sentences):
        words = _MARKS.sub("", sentence)
        grams = [words[i : i + _GRAM] for i in range(len(words) - _GRAM + 1)]
        sizes.append(len(grams))
        shared = Counter(first[gram] for gram in grams if gram in first)
        for other, count in shared.most_common(1):
            if count >= _COMMON and count >= _ALIKE * min(len(grams), sizes[other]):
                return sentence
        for gram in grams:
            first.setdefault(gram, number)
    return None


def _circle(text: str) -> str | None:
    """Returns the words at which a text begins to say the same again and again."""
    words = _MARKS.sub("", text)
    grams = [words[i : i + _GRAM + 2] for i in range(len(words) - _GRAM - 1)]
    seen: set[str] = set()
    again = [gram for gram in grams if gram in seen or seen.add(gram)]  # type: ignore[func-returns-value]
    if len(again) >= max(_CIRCLE * len(grams), 2):
        return again[0]
    return None


def _stutter(text: str) -> str | None:
    """Returns what a text stammers, if it does so more than once."""
    stutters = [match.group() for match in _STUTTER.finditer(text)] if _DOUBLE.search(text) else []
    return stutters[0] if len(stutters) > 1 else None
