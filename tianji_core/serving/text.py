"""From tokens to text that may be shown: whole characters only, no control tokens, cut at a stop string."""

from collections.abc import Sequence
from typing import Any

from tianji_core.model_folders.template import END, START

BROKEN = "\ufffd"


class TextStream:
    """Turns the tokens of one answer into pieces of text. ``stopped`` is set once a stop string was met; the
    string itself is never given out."""

    def __init__(self, tokenizer: Any, stop: Sequence[str] = ()) -> None:
        self._tokenizer = tokenizer
        self._stop = (*stop, END, START)
        self._ids: list[int] = []
        self._decoded = 0  # tokens whose text has been taken over
        self._context = 0  # tokens before this one no longer influence how the next one is written
        self._held = ""
        self.stopped = False

    def push(self, *tokens: int) -> str:
        """Take tokens; returns the text that is certain by now, '' if none is."""
        self._ids += tokens
        return self._release(self._new_text(final=False))

    def finish(self) -> str:
        """What is left when no token follows."""
        if self.stopped:
            return ""
        text = self._release(self._new_text(final=True)) + self._held
        self._held = ""
        return text

    def _new_text(self, final: bool) -> str:
        """A tokenizer writes a token depending on the one before, so each step decodes a little earlier twice."""
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
    """Length of the longest end of ``text`` that begins ``stop``."""
    for length in range(min(len(text), len(stop) - 1), 0, -1):
        if stop.startswith(text[-length:]):
            return length
    return 0
