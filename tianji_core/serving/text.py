"""Decodes tokens to text for display: whole characters only, no control tokens, cut at a stop string."""

from collections.abc import Sequence
from typing import Any

from tianji_core.model_folders.template import STOPS

BROKEN = "\ufffd"


class TextStream:
    """Decodes the tokens of one answer piece by piece. ``stopped`` is set at a stop string, which is not
    part of the text."""

    def __init__(self, tokenizer: Any, stop: Sequence[str] = ()) -> None:
        self._tokenizer = tokenizer
        self._stop = (*stop, *STOPS)
        self._ids: list[int] = []
        self._decoded = 0  # tokens whose text is already returned
        self._context = 0  # earlier tokens do not affect the text of the next one
        self._held = ""
        self._ends: list[int] = []  # characters after each token
        self._given = 0  # characters returned so far
        self.stopped = False

    @property
    def unsaid_tokens(self) -> int:
        """The number of last tokens none of whose characters is returned yet. Counts right where every token
        is pushed by itself."""
        starts = [0, *self._ends[:-1]]
        at = len(self._ends)
        while at and starts[at - 1] >= self._given < self._ends[at - 1]:
            at -= 1
        return len(self._ends) - at

    def push(self, *tokens: int) -> str:
        """Adds tokens. Returns the text that is final by now, '' if none is."""
        self._ids += tokens
        new = self._new_text(final=False)
        self._ends += [(self._ends[-1] if self._ends else 0) + len(new)] * len(tokens)
        given = self._release(new)
        self._given += len(given)
        return given

    def finish(self) -> str:
        """Returns the remaining text when no token follows."""
        if self.stopped:
            return ""
        text = self._release(self._new_text(final=True)) + self._held
        self._held = ""
        self._given += len(text)
        return text

    def _new_text(self, final: bool) -> str:
        """Decodes new tokens together with the previous ones, because the text of a token depends on the
        one before."""
        known = self._decode(self._ids[self._context : self._decoded])
        text = self._decode(self._ids[self._context :])
        if text.endswith(BROKEN) and not final:
            return ""
        self._context, self._decoded = self._decoded, len(self._ids)
        return text[len(known) :].replace(BROKEN, "")

    def _decode(self, ids: list[int]) -> str:
        return self._tokenizer.decode(ids, skip_special_tokens=True, clean_up_tokenization_spaces=False)

    def _release(self, new: str) -> str:
        text = self._held + new
        cuts = [at for stop in self._stop if (at := text.find(stop)) >= 0]
        if cuts:
            self.stopped, self._held = True, ""
            return text[: min(cuts)]
        kept = max((_overlap(text, stop) for stop in self._stop), default=0)
        self._held = text[len(text) - kept :]
        return text[: len(text) - kept]


def _overlap(text: str, stop: str) -> int:
    """Returns the length of the longest suffix of ``text`` that is a prefix of ``stop``."""
    for length in range(min(len(text), len(stop) - 1), 0, -1):
        if stop.startswith(text[-length:]):
            return length
    return 0
