"""Asks many things of teachers at once. :func:`run` sends the items of one lane per teacher with retries,
limits per minute and a budget, and stores what comes back in small batches. It knows nothing of what is
asked: a :class:`Client` turns items into requests and answers into results."""

from tianji_core.dispatch.budget import TOKENS_PER_CHARACTER, Budget, Usage, expected_usage
from tianji_core.dispatch.disk import with_room
from tianji_core.dispatch.dispatcher import Retry
from tianji_core.dispatch.hours import Clock, Hours
from tianji_core.dispatch.lanes import Client, Failed, Lane, Outcome
from tianji_core.dispatch.options import RunOptions
from tianji_core.dispatch.pace import OwnLimits
from tianji_core.dispatch.pulse import STALE, Pulse, read_pulse, write_pulse
from tianji_core.dispatch.reasons import Reasons, unfinished
from tianji_core.dispatch.running import run

__all__ = [
    "STALE",
    "TOKENS_PER_CHARACTER",
    "Budget",
    "Client",
    "Clock",
    "Failed",
    "Hours",
    "Lane",
    "Outcome",
    "OwnLimits",
    "Pulse",
    "Reasons",
    "Retry",
    "RunOptions",
    "Usage",
    "expected_usage",
    "read_pulse",
    "run",
    "unfinished",
    "with_room",
    "write_pulse",
]
