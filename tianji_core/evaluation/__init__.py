"""评测: checks a model's answers for cells that it was not trained on, and counts how many pass."""

from tianji_core.evaluation.cases import Case, held_out_cases, training_cases
from tianji_core.evaluation.checks import Checker, Verdict, training_pairs
from tianji_core.evaluation.effect import BeforeAfter, PassRate
from tianji_core.evaluation.evaluate import evaluate_folder, evaluate_server, judge
from tianji_core.evaluation.report import Judged, PassRates, Report, summarise, wilson

__all__ = [
    "BeforeAfter",
    "Case",
    "Checker",
    "Judged",
    "PassRate",
    "PassRates",
    "Report",
    "Verdict",
    "evaluate_folder",
    "evaluate_server",
    "held_out_cases",
    "judge",
    "summarise",
    "training_cases",
    "training_pairs",
    "wilson",
]
