"""Limits an answer to a form, token by token. Imported by the server process only."""

from typing import Any

import numpy
import torch

from tianji_core.i18n import _


class GuideError(Exception):
    """The form is too complex to go on with this answer."""


class Guide:
    """The state of one answer in its grammar. Only one thread at a time may use it."""

    def __init__(self, matcher: Any, size: int) -> None:
        """``matcher`` is llguidance's; ``size`` the number of logits."""
        self._matcher = matcher
        self._size = size
        self._allowed = torch.zeros(size, dtype=torch.bool)
        self._follow()

    def copy(self) -> "Guide":
        """Returns a guide for another answer that begins in the same state."""
        return Guide(self._matcher.deep_copy(), self._size)

    def limited(self, scores: torch.Tensor) -> torch.Tensor:
        """Returns the logits (V) with those of tokens that may not follow at minus infinity."""
        return scores.masked_fill(~self._allowed.to(scores.device), -torch.inf)

    def took(self, token: int) -> None:
        """Goes on after a chosen token, which is none that ends the answer.

        Raises:
            GuideError: the grammar is too complex, or no token can follow.
        """
        self._matcher.consume_token(token)
        self._follow()
        if self._matcher.is_error():
            print(self._matcher.get_error(), flush=True)
            raise GuideError(_("这样的 JSON 写不下去了，请放宽 response_format 里的 schema"))

    def _follow(self) -> None:
        if not self._matcher.is_error():
            bits = numpy.frombuffer(self._matcher.compute_bitmask(), dtype=numpy.uint8)
            allowed = numpy.unpackbits(bits, bitorder="little")[: self._size]
            self._allowed = torch.from_numpy(allowed.astype(numpy.bool_))
