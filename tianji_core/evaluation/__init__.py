"""评测: what a model writes for cells that it never saw, checked one by one and counted."""

from tianji_core.evaluation.cases import Case, held_out_cases
from tianji_core.evaluation.checks import Checker, Verdict, training_pairs
from tianji_core.evaluation.evaluate import evaluate_folder, evaluate_server, judge
from tianji_core.evaluation.report import Judged, Report, Row, summarise, wilson

__all__ = [
    "Case",
    "Checker",
    "Judged",
    "Report",
    "Row",
    "Verdict",
    "evaluate_folder",
    "evaluate_server",
    "held_out_cases",
    "judge",
    "summarise",
    "training_pairs",
    "wilson",
]
