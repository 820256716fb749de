"""检查点扫描: measures every checkpoint of a training on the same held-out questions and validation texts.

The curve shows at which checkpoint to stop. Importing this package does not load torch."""

from tianji_core.evaluation.sweep.after_top_up import (
    TopUpResult,
    last_outcomes,
    newest_learner,
    newest_result,
    top_up_results,
)
from tianji_core.evaluation.sweep.after_training import (
    AFTER_TRAINING,
    TrainingEffect,
    effect_of,
    learnt_styles,
    start_before_after,
    with_topped_up,
)
from tianji_core.evaluation.sweep.job import KIND, start_sweep, sweep_job, swept_runs
from tianji_core.evaluation.sweep.results import (
    BothAdvice,
    Sweep,
    SweepPlan,
    SweepPoint,
    best_point,
    equally_good,
    good_at_both,
    load_sweep,
)

__all__ = [
    "AFTER_TRAINING",
    "KIND",
    "BothAdvice",
    "Sweep",
    "SweepPlan",
    "SweepPoint",
    "TopUpResult",
    "TrainingEffect",
    "best_point",
    "effect_of",
    "equally_good",
    "good_at_both",
    "last_outcomes",
    "learnt_styles",
    "load_sweep",
    "newest_learner",
    "newest_result",
    "start_before_after",
    "start_sweep",
    "sweep_job",
    "swept_runs",
    "top_up_results",
    "with_topped_up",
]
