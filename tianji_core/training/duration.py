"""How long a training will take, by how fast earlier ones of the same preset were on this machine."""

from tianji_core.errors import StudioError
from tianji_core.store import training as training_runs
from tianji_core.training import engine
from tianji_core.training.presets import Preset
from tianji_core.training.progress import work_folder
from tianji_core.training.record import record_of
from tianji_core.training.settings import TrainingSettings
from tianji_core.workspace import Workspace

_LOOK_BACK = 20
_LOADS = 20.0
"""Seconds to load model and data, about what the embedded model takes on a CPU."""


def expected_seconds(
    workspace: Workspace, chosen: Preset, settings: TrainingSettings, iterations: int
) -> float | None:
    """Returns the expected duration in seconds by the newest training of the same preset and base; None where
    none has been timed. The time per iteration is scaled by its number of tokens."""
    tokens = settings.batch_size * settings.max_length
    for run in training_runs.listed(workspace.engine, limit=_LOOK_BACK):
        if run.preset != chosen.key:
            continue
        try:
            before = record_of(run).settings
            same = before.base_folder.name == settings.base_folder.name
            points = engine.curve(work_folder(workspace, run)) if same else []
        except StudioError:
            continue
        if points:
            pace = sum(point.seconds for point in points) / len(points)
            return _LOADS + pace * iterations * tokens / (before.batch_size * before.max_length)
    return None
