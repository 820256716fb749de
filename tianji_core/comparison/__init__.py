"""对比: the same questions to several models and styles, votes on the answers, and what the votes say.

A board holds the questions, columns and answers; a :class:`Comparer` fills it. Ballots hide who wrote an
answer; votes become scores, preference pairs and samples; the report page shows everything in one HTML file.
A teacher as second voter is the package :mod:`tianji_core.comparison.voting`, a further training on own best
answers :mod:`tianji_core.comparison.relearning`, pairs for trainers
:mod:`tianji_core.comparison.preference_pairs`.
"""

from tianji_core.comparison.asks import QUESTION_FILE_TYPES, read_asks
from tianji_core.comparison.ballots import Ballot, ballot_of, ballots, choose, undecided
from tianji_core.comparison.board import (
    MAX_CANDIDATES,
    Ask,
    Board,
    Cell,
    Column,
    asks_about,
    board_keys,
    load_board,
    plan_board,
    request_text,
    save_board,
)
from tianji_core.comparison.comparer import Comparer
from tianji_core.comparison.marks import (
    Checked,
    CheckerOf,
    HeatMap,
    Mark,
    Total,
    check_board,
    check_cell,
    heat_maps,
    outcomes_by_model,
    totals,
)
from tianji_core.comparison.preferences import (
    MESSAGES_FORM,
    TEXT_FORM,
    export_preferences,
    preference_lines,
    preferences,
    take_chosen,
)
from tianji_core.comparison.report_page import BoardScores, board_report, judgement, total_columns, winners
from tianji_core.comparison.scores import (
    Standing,
    Standings,
    by_model,
    by_model_and_style,
    by_style,
    same_verdicts,
)

__all__ = [
    "MAX_CANDIDATES",
    "MESSAGES_FORM",
    "QUESTION_FILE_TYPES",
    "TEXT_FORM",
    "Ask",
    "Ballot",
    "Board",
    "BoardScores",
    "Cell",
    "Checked",
    "CheckerOf",
    "Column",
    "Comparer",
    "HeatMap",
    "Mark",
    "Standing",
    "Standings",
    "Total",
    "asks_about",
    "ballot_of",
    "ballots",
    "board_keys",
    "board_report",
    "by_model",
    "by_model_and_style",
    "by_style",
    "check_board",
    "check_cell",
    "choose",
    "export_preferences",
    "heat_maps",
    "judgement",
    "load_board",
    "outcomes_by_model",
    "plan_board",
    "preference_lines",
    "preferences",
    "read_asks",
    "request_text",
    "same_verdicts",
    "save_board",
    "take_chosen",
    "total_columns",
    "totals",
    "undecided",
    "winners",
]
