"""Splits a sample with several wishes into several samples."""

import re
from collections.abc import Sequence

from tianji_core.errors import InputError
from tianji_core.i18n import _
from tianji_core.store import samples, steps
from tianji_core.store.samples import NewSample, Sample
from tianji_core.workspace import Workspace

_NUMBER = re.compile(r"^\s*(?:[(（]?\d{1,2}[)）.、．:：]|[一二三四五六七八九十]{1,2}、|[①-⑳]|[-*•·])\s*")
_SENTENCE = re.compile(r"[^。！？!?]*[。！？!?]+[”’」』～~]*|[^。！？!?]+$")


def pieces_of(text: str) -> list[str]:
    """Returns the parts of a text: its lines, without list numbers, or the sentences of a single line."""
    lines = [line for line in (_NUMBER.sub("", line).strip() for line in text.splitlines()) if line]
    if len(lines) > 1:
        return lines
    return [sentence.strip() for sentence in _SENTENCE.findall("".join(lines)) if sentence.strip()]


def split(workspace: Workspace, sample: Sample, pieces: Sequence[str], who: str) -> list[int]:
    """Stores a pending sample for each part and rejects the original, as one step; returns the ids.

    Raises:
        InputError: fewer than two different pieces. ConflictError: the sample has changed meanwhile.
    """
    texts = list(dict.fromkeys(piece.strip() for piece in pieces if piece.strip()))
    if len(texts) < 2:
        raise InputError(_("至少要有两条不同的内容，每行一条"))
    origin = samples.provenance(workspace.engine, sample.id)
    new = [
        NewSample(
            recipe=sample.recipe,
            system=sample.system,
            input=sample.input,
            output=text,
            name=sample.name,
            scene=sample.scene,
            style=sample.style,
            options=sample.options,
            fact=sample.fact,
            history=sample.history,
            prompt=origin.prompt,
            model=origin.model,
        )
        for text in texts
    ]
    title = _("把样本 {id} 拆成 {n} 条", id=sample.id, n=len(texts))
    return steps.derive(workspace.engine, sample, new, steps.SPLIT_UP, title, who, keep_parent=False)
