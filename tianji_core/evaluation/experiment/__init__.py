"""实验: several trainings on one dataset version that differ in a few settings, run one after another through the
queue, measured with the same questions and compared. Importing this package does not load torch."""

from tianji_core.evaluation.experiment.job import (
    KIND,
    cancel_experiment,
    experiment_job,
    resume_experiment,
    start_experiment,
)
from tianji_core.evaluation.experiment.plan import (
    ALL_SAMPLES,
    AXES,
    MIXED,
    MOST_TRAININGS,
    ExperimentPlan,
    axis_title,
    grid,
    mixed_version,
    read_shares,
    read_values,
    short_trainings,
    value_text,
)
from tianji_core.evaluation.experiment.results import (
    Experiment,
    PlannedTraining,
    best_training,
    equal_trainings,
    experiments,
    explained,
    load_experiment,
    state_title,
)

__all__ = [
    "ALL_SAMPLES",
    "AXES",
    "KIND",
    "MIXED",
    "MOST_TRAININGS",
    "Experiment",
    "ExperimentPlan",
    "PlannedTraining",
    "axis_title",
    "best_training",
    "cancel_experiment",
    "equal_trainings",
    "experiment_job",
    "experiments",
    "explained",
    "grid",
    "load_experiment",
    "mixed_version",
    "read_shares",
    "read_values",
    "resume_experiment",
    "short_trainings",
    "start_experiment",
    "state_title",
    "value_text",
]
