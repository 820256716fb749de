"""One finding of the checks before a training."""

from dataclasses import dataclass

PASS, WARN, STOP = "pass", "warn", "stop"


@dataclass(frozen=True)
class Check:
    """``level`` is 'pass', 'warn' or 'stop'; ``detail`` says what was found and what to do. ``job_id`` is a
    job whose end would solve it; ``fixed`` is True for what the studio has set right itself."""

    level: str
    title: str
    detail: str
    job_id: int | None = None
    fixed: bool = False
