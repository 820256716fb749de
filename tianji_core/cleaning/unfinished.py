"""Texts whose teacher did not say that it had finished. Pure."""

from tianji_core.i18n import _
from tianji_core.store.findings import Finding, Unchecked
from tianji_core.store.samples import RUN

RULE = "cut_off"
UNFINISHED = ("length", "cut")
"""Finish reasons of an answer that may lack its end."""
_END = 6
"""Letters at the end of a text by which it is recognised."""


def unfinished(sample: Unchecked) -> Finding | None:
    """Returns the finding that a generated text may lack its end, until somebody has written another end.
    The samples of documents are whole questions and answers however the list of them ended."""
    if sample.source != RUN or sample.finish_reason not in UNFINISHED:
        return None
    if _end(sample.output) != _end(sample.original):
        return None
    return Finding(RULE, unfinished_note(sample.finish_reason))


def unfinished_note(finish_reason: str) -> str:
    """Returns why a text may lack its end."""
    if finish_reason == "length":
        return _("造数模型写到长度上限就停了")
    return _("造数模型没有说它写完了")


def _end(text: str) -> str:
    return "".join(char for char in text if char.isalnum())[-_END:]
