"""What is told of a job that has ended."""

import socket
from dataclasses import dataclass
from typing import Any

from tianji_core.gate import clean_sentence
from tianji_core.i18n import _
from tianji_core.store.jobs import Job

PRODUCT = "天机工坊"
"""Stands at the beginning of every notice, so that a robot that wants a certain word can be given this
one."""


@dataclass(frozen=True)
class Notice:
    """``title`` in one line, ``text`` with all that is to be said, ``facts`` for programs."""

    title: str
    text: str
    facts: dict[str, Any]


def notice_of(job: Job, duration: str) -> Notice:
    """Returns the notice of an ended job; ``duration`` is the time that it took, for display. What the job
    itself said is one line without secrets."""
    endings = {
        "succeeded": _("已完成"),
        "failed": _("失败"),
        "stopped": _("已停止"),
        "lost": _("失联"),
    }
    title = clean_sentence(job.title, 120)
    note = clean_sentence(job.note)
    head = f"{PRODUCT} · {title} · {endings.get(job.state, job.state)}"
    lines = [
        head,
        _("任务 {id}，用时 {duration}，在 {host}", id=job.id, duration=duration, host=socket.gethostname()),
    ]
    facts = {
        "id": job.id,
        "kind": job.kind,
        "title": title,
        "state": job.state,
        "exit_code": job.exit_code,
        "seconds": round(job.seconds, 1),
        "note": note,
    }
    return Notice(head, "\n".join([*lines, note] if note else lines), {"event": "job_ended", "job": facts})


def trial_notice() -> Notice:
    """Returns the notice that tries a channel."""
    head = f"{PRODUCT} · " + _("通知能送到")
    return Notice(head, head + "\n" + _("这是一条试发的消息，不用理会。"), {"event": "trial"})
