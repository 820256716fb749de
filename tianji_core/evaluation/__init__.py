"""评测: checks a model's answers for cells that it was not trained on, and counts how many pass."""

from tianji_core.evaluation.cases import Case, held_out_cases, training_cases
from tianji_core.evaluation.checks import Checker, Verdict, training_pairs
from tianji_core.evaluation.effect import BeforeAfter, PassRate
from tianji_core.evaluation.evaluate import (
    evaluate_folder,
    evaluate_server,
    folder_follow_ups,
    judge,
    server_follow_ups,
)
from tianji_core.evaluation.failing import EACH, Failing, failing_of, failing_plan
from tianji_core.evaluation.follow_ups import FollowUpRate, follow_up_rates, follow_up_table, followed_up
from tianji_core.evaluation.outcome import QuestionOutcome, outcomes_of
from tianji_core.evaluation.report import Judged, PassRates, Report, summarise, wilson
from tianji_core.evaluation.topped_up import (
    MeasuredAnswers,
    TopUp,
    estimated_top_up,
    planned_top_up,
    start_top_up,
    top_ups,
)

__all__ = [
    "EACH",
    "BeforeAfter",
    "Case",
    "Checker",
    "Failing",
    "FollowUpRate",
    "Judged",
    "MeasuredAnswers",
    "PassRate",
    "PassRates",
    "QuestionOutcome",
    "Report",
    "TopUp",
    "Verdict",
    "estimated_top_up",
    "evaluate_folder",
    "evaluate_server",
    "failing_of",
    "failing_plan",
    "folder_follow_ups",
    "follow_up_rates",
    "follow_up_table",
    "followed_up",
    "held_out_cases",
    "judge",
    "outcomes_of",
    "planned_top_up",
    "server_follow_ups",
    "start_top_up",
    "summarise",
    "top_ups",
    "training_cases",
    "training_pairs",
    "wilson",
]
