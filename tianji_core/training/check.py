"""One finding of the checks before a training."""

from dataclasses import dataclass

PASS, WARN, STOP = "pass", "warn", "stop"


@dataclass(frozen=True)
class Check:
    """``level`` is 'pass', 'warn' or 'stop'; ``detail`` says what was seen and the way out. ``job_id`` is a job that can
    be stopped to mend it."""

    level: str
    title: str
    detail: str
    job_id: int | None = None
