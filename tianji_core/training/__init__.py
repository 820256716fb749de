"""训练: presets, settings, preflight, launch and progress of fine-tuning with xtuner. Imports no torch."""

from tianji_core.model_folders.template import TEMPLATE, TEMPLATES
from tianji_core.store.training import TrainingRun
from tianji_core.training.base_trials import kept_trial, start_trial, trial_job, try_base
from tianji_core.training.config import rendered_config, write_config, written_config
from tianji_core.training.continuing import branch_training, one_more_epoch
from tianji_core.training.cpu_trial import CpuTrial, cpu_trial_job, kept_cpu_trial, start_cpu_trial
from tianji_core.training.curve import Point, Validation
from tianji_core.training.discarding import (
    DeletedCheckpoint,
    delete_checkpoint,
    deleted_checkpoints,
    purge_checkpoint,
    restore_checkpoint,
)
from tianji_core.training.launch import (
    prepare_training,
    resume_training,
    run_training,
    start_training,
    version_of,
)
from tianji_core.training.learnt_pairs import version_of_base
from tianji_core.training.mix_parts import MixPart, read_part
from tianji_core.training.mixed_data import Mix, MixedPart
from tianji_core.training.preflight import Check, Preflight, preflight
from tianji_core.training.presets import (
    Preset,
    checked_settings,
    default_settings,
    preset,
    preset_of,
    presets,
)
from tianji_core.training.progress import (
    TrainingState,
    can_be_converted,
    log_tail,
    training_state,
    work_folder,
)
from tianji_core.training.record import TrainingRecord, record_of
from tianji_core.training.saved import Checkpoint
from tianji_core.training.settings import TrainingSettings
from tianji_core.training.target import Target, checked_target
from tianji_core.training.trials import TrialAnswer

__all__ = [
    "TEMPLATE",
    "TEMPLATES",
    "Check",
    "Checkpoint",
    "CpuTrial",
    "DeletedCheckpoint",
    "Mix",
    "MixPart",
    "MixedPart",
    "Point",
    "Preflight",
    "Preset",
    "Target",
    "TrainingRecord",
    "TrainingRun",
    "TrainingSettings",
    "TrainingState",
    "TrialAnswer",
    "Validation",
    "branch_training",
    "can_be_converted",
    "checked_settings",
    "checked_target",
    "cpu_trial_job",
    "default_settings",
    "delete_checkpoint",
    "deleted_checkpoints",
    "kept_cpu_trial",
    "kept_trial",
    "log_tail",
    "one_more_epoch",
    "preflight",
    "prepare_training",
    "preset",
    "preset_of",
    "presets",
    "purge_checkpoint",
    "read_part",
    "record_of",
    "rendered_config",
    "restore_checkpoint",
    "resume_training",
    "run_training",
    "start_cpu_trial",
    "start_training",
    "start_trial",
    "training_state",
    "trial_job",
    "try_base",
    "version_of",
    "version_of_base",
    "work_folder",
    "write_config",
    "written_config",
]
