"""What else was written for the same person and occasion, the most similar first."""

from typing import NamedTuple

from tianji_core.store import samples
from tianji_core.store.samples import REJECTED, Sample, SampleFilter
from tianji_core.workspace import Workspace

_LOOKED_AT = 400
"""Samples of the cell that are compared; a cell of a hundred thousand samples has about two hundred."""


class Neighbour(NamedTuple):
    """Another sample and how alike the texts are, 0 to 1 (Indel similarity)."""

    sample: Sample
    similarity: float


def neighbours(workspace: Workspace, sample: Sample, limit: int = 4) -> list[Neighbour]:
    """The most similar standing samples of the same name, scene and style; of a sample whose cell is not known, none."""
    from rapidfuzz import fuzz

    if not (sample.name and sample.scene):
        return []
    cell = SampleFilter(
        sample.recipe,
        names=(sample.name,),
        scenes=(sample.scene,),
        styles=(sample.style,) if sample.style else (),
    )
    candidates = [
        Neighbour(other, fuzz.ratio(sample.output, other.output) / 100)
        for other in samples.page(workspace.engine, cell, limit=_LOOKED_AT)
        if other.id != sample.id and other.state != REJECTED
    ]
    return sorted(candidates, key=lambda neighbour: (-neighbour.similarity, neighbour.sample.id))[:limit]
