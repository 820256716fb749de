"""A Slurm cluster whose client programs are on this machine and which sees its files: nothing is copied."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from tianji_core.store import training as training_runs
from tianji_core.store.training import TrainingRun
from tianji_core.training.places import received, slurm_runs
from tianji_core.training.places.adapters import FarState
from tianji_core.training.places.profile import Place
from tianji_core.workspace import Workspace


class SlurmHere:
    """The cluster of this machine, for one training."""

    def __init__(self, workspace: Workspace, run: TrainingRun, place: Place) -> None:
        self._workspace, self._run, self._place = workspace, run, place

    def submit(self, bundle: Path, again: bool) -> FarState:
        """Submits the training unless it was.

        Raises:
            PlaceError: Slurm refuses it. PlaceUnreachableError: the controller does not answer.
        """
        slurm_runs.submit(self._workspace, self._run, self._place.slurm, again)
        return self.state()

    def state(self) -> FarState:
        """Returns how the training is."""
        run = training_runs.get(self._workspace.engine, self._run.id)
        told = {**received.state_of(self._workspace, run), "files": {}, "checkpoints": ()}
        return FarState.model_validate(told)

    def stop(self) -> FarState:
        """Cancels the training's job."""
        slurm_runs.stop(self._workspace, self._run)
        return self.state()

    def hashes(self, sizes: Mapping[str, int]) -> dict[str, str]:
        """Returns {}: nothing is copied."""
        return {}

    def fetch(self, state: FarState, names: Sequence[str], target: Path) -> None:
        """Does nothing: the files are here."""

    def let_go(self) -> str:
        """Returns '': nothing was rented."""
        return ""
