"""追问: has a teacher answer what a person asks for after an accepted answer, such as a shorter text; the
conversations become samples of two turns. :func:`planned_follow_ups` says which, :func:`start_following` asks
in the background."""

from tianji_core.generation.following.asking import FollowUpResult, follow_up
from tianji_core.generation.following.job import following_job, start_following
from tianji_core.generation.following.planning import (
    MOST_SAMPLES,
    FollowingPlan,
    FollowUpEstimate,
    PlannedFollowUp,
    estimate_following,
    planned_follow_ups,
    usual_words,
)

__all__ = [
    "MOST_SAMPLES",
    "FollowUpEstimate",
    "FollowUpResult",
    "FollowingPlan",
    "PlannedFollowUp",
    "estimate_following",
    "follow_up",
    "following_job",
    "planned_follow_ups",
    "start_following",
    "usual_words",
]
