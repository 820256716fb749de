"""What a training was started with, stored as one JSON object with its row."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tianji_core.errors import TrainingError
from tianji_core.i18n import _
from tianji_core.recipe import explain
from tianji_core.store.training import TrainingRun
from tianji_core.training.lock import CPU
from tianji_core.training.mixed_data import Mix
from tianji_core.training.settings import TrainingSettings
from tianji_core.training.target import Target


class Origin(BaseModel):
    """The checkpoint that a training began with: of training ``run`` after ``iteration`` iterations, at
    ``checkpoint`` relative to the workspace. ``mode`` 'resume' takes over its optimizer and schedule too,
    'weights' the weights only."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    run: int
    iteration: int
    mode: Literal["resume", "weights"]
    checkpoint: str


class TrainingRecord(BaseModel):
    """Settings, target and data of a training. Fields that an older studio did not store have the value it
    used.

    ``place`` names the place elsewhere where it runs, '' for this machine; ``bundle`` is the identifier under
    which it was sent there, or came here. ``places`` are the places the training may run on (empty: any
    card), ``place_count`` how many of them it needs; ``held`` are the ones it got and ``began`` the moment,
    in seconds since the epoch. ``mixed`` is what its training file consists of where it learns from several
    versions; ``pairs_count`` the pairs that it learns from.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    settings: TrainingSettings
    target: Target = Target()
    place: str = ""
    bundle: str = ""
    places: tuple[str, ...] = (CPU,)
    place_count: int = 1
    base_fingerprint: str = ""
    dataset_name: str = ""
    dataset_sha256: str = ""
    pairs_sha256: str = ""
    pairs_count: int = Field(default=0, ge=0)
    mixed: Mix | None = None
    origin: Origin | None = None
    held: tuple[str, ...] = ()
    began: float | None = None

    def stored(self) -> dict[str, Any]:
        """The JSON object to store: the settings stand beside the other fields, not below them."""
        values = self.model_dump(mode="json", exclude_none=True)
        return {**values.pop("settings"), **values}


def record_of(run: TrainingRun) -> TrainingRecord:
    """What a stored training was started with.

    Raises:
        TrainingError: what is stored cannot be read.
    """
    names = TrainingSettings.model_fields
    settings = {name: value for name, value in run.settings.items() if name in names}
    try:
        return TrainingRecord.model_validate({**run.settings, "settings": settings})
    except ValidationError as error:
        raise TrainingError(
            _("训练 {n} 保存的设置读不懂：{detail}", n=run.id, detail=explain(error, ""))
        ) from error
