"""检查点扫描: every checkpoint of a training answers the same held-out questions and reads the same validation texts, so
that a curve shows where to stop. Importing this package loads no torch."""

from tianji_core.evaluation.sweep.job import KIND, start_sweep, sweep_job, swept_runs
from tianji_core.evaluation.sweep.results import Sweep, SweepPlan, SweepPoint, best_point, load_sweep

__all__ = [
    "KIND",
    "Sweep",
    "SweepPlan",
    "SweepPoint",
    "best_point",
    "load_sweep",
    "start_sweep",
    "sweep_job",
    "swept_runs",
]
