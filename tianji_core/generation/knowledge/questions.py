"""Recognises questions that were asked before in almost the same words."""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence

from tianji_core.store.knowledge import Dialogue


class Questions:
    """The questions that exist already, to leave out those that repeat one in almost the same words.
    ``similar`` is the likeness (0-100) from which two questions count as the same; questions that differ in a
    number never do: 第三条 is not 第四条."""

    def __init__(self, known: Iterable[str], similar: float) -> None:
        self._similar = similar
        self._seen: dict[str, set[str]] = defaultdict(set)
        for question in known:
            self._remember(bare(question))

    def fresh(self, conversations: Sequence[Dialogue]) -> tuple[Dialogue, ...]:
        """Returns the conversations whose first question is new, and remembers their questions."""
        new = []
        for conversation in conversations:
            question = bare(conversation.turns[0].question)
            if not self._known(question):
                self._remember(question)
                new.append(conversation)
        return tuple(new)

    def _remember(self, question: str) -> None:
        self._seen[_numbers(question)].add(question)

    def _known(self, question: str) -> bool:
        from rapidfuzz import fuzz, process

        alike = self._seen[_numbers(question)]
        if question in alike:
            return True
        return process.extractOne(question, alike, scorer=fuzz.ratio, score_cutoff=self._similar) is not None


def bare(question: str) -> str:
    """Returns a question without punctuation, white space and case."""
    return re.sub(r"[\W_]+", "", question).lower()


def _numbers(question: str) -> str:
    # 一 does not count: 这天 and 这一天 are the same, and 第一 still differs from 第二.
    return "".join(c for c in question if c.isdigit() or c in "零二三四五六七八九十百千万")
