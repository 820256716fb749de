"""Neighbours of a sample: other texts for the same person and occasion, the most similar first."""

from typing import NamedTuple

from tianji_core.store import samples
from tianji_core.store.samples import REJECTED, Sample, SampleFilter
from tianji_core.workspace import Workspace

_LOOKED_AT = 400
"""Number of samples of the cell that are compared; with a hundred thousand samples a cell has about two
hundred."""


class Neighbour(NamedTuple):
    """Another sample and the similarity of the texts, 0 to 1 (Indel similarity)."""

    sample: Sample
    similarity: float


def neighbours(workspace: Workspace, sample: Sample, limit: int = 4) -> list[Neighbour]:
    """Returns the most similar samples, not rejected, of the same name, scene and style; none for a sample
    whose cell is unknown."""
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
