"""训练: presets, settings, preflight, launch and progress of fine-tuning with xtuner. Imports no torch."""

from tianji_core.store.training import TrainingRun
from tianji_core.training.config import rendered_config, write_config
from tianji_core.training.launch import (
    prepare_training,
    resume_training,
    run_training,
    settings_of,
    start_training,
    version_of,
)
from tianji_core.training.preflight import Check, Preflight, preflight
from tianji_core.training.presets import (
    TEMPLATE,
    Preset,
    checked_settings,
    default_settings,
    preset,
    presets,
)
from tianji_core.training.progress import (
    Checkpoint,
    Point,
    TrainingState,
    TrialAnswer,
    log_tail,
    training_state,
    work_folder,
)
from tianji_core.training.settings import TrainingSettings

__all__ = [
    "TEMPLATE",
    "Check",
    "Checkpoint",
    "Point",
    "Preflight",
    "Preset",
    "TrainingRun",
    "TrainingSettings",
    "TrainingState",
    "TrialAnswer",
    "checked_settings",
    "default_settings",
    "log_tail",
    "preflight",
    "prepare_training",
    "preset",
    "presets",
    "rendered_config",
    "resume_training",
    "run_training",
    "settings_of",
    "start_training",
    "training_state",
    "version_of",
    "work_folder",
    "write_config",
]
