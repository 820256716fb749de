"""照着写: a person pastes paragraphs; a talk of several turns with a teacher makes others in the same manner
with other sentences, and the usable ones are carried to other receivers and occasions.
:func:`create_imitation_run` stores a run, :func:`start_imitation` runs it in the background."""

from tianji_core.generation.imitation.asking import MOST_AGAIN, ImitationSettings
from tianji_core.generation.imitation.job import imitation_jobs, start_imitation
from tianji_core.generation.imitation.runs import (
    ImitationEstimate,
    ImitationState,
    change_imitation_options,
    create_imitation_run,
    estimate_imitation,
    fitting_style,
    imitation_options_of,
    imitation_state,
    is_usable,
    paragraphs_of,
    waiting,
)

__all__ = [
    "MOST_AGAIN",
    "ImitationEstimate",
    "ImitationSettings",
    "ImitationState",
    "change_imitation_options",
    "create_imitation_run",
    "estimate_imitation",
    "fitting_style",
    "imitation_jobs",
    "imitation_options_of",
    "imitation_state",
    "is_usable",
    "paragraphs_of",
    "start_imitation",
    "waiting",
]
