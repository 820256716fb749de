"""Notices of the desktop: an open tab tells of each job that ends."""

from pathlib import Path

import streamlit as st

from pages.shared.visitors import visitor
from tianji_core import jobs, notices
from tianji_core.access.visitors import Visitor
from tianji_core.roles import Role
from tianji_core.workspace import Workspace

_WATCHED, _ENDED = "_desktop_watched", "_desktop_ended"
_KEPT = 5
"""Ended jobs of which the tab is told; one that was told is not shown again."""


def desktop_notices(workspace: Workspace, running: list[jobs.Job]) -> None:
    """Tells the browser of the jobs that ran when this tab last looked and have ended since: those that took
    long enough, and those of which a person asked to be told. ``running`` are the jobs that run now. Where
    people log in, each hears of the own jobs."""
    who = visitor()
    watched: set[int] = st.session_state.setdefault(_WATCHED, set())
    ended: list[dict[str, str]] = st.session_state.setdefault(_ENDED, [])
    now = {job.id for job in running if concerns(job.who, who)}
    for job_id in sorted(watched - now):
        job = jobs.get(workspace, job_id)
        if job.active:
            continue
        watched.discard(job_id)
        if notices.worth_telling(workspace, job, notices.load_afterwards(workspace, job_id)):
            said = notices.notice_of(job, jobs.duration_text(job.seconds))
            ended.append({"key": _key(workspace, job), "title": said.title, "text": said.text})
    watched |= now
    del ended[:-_KEPT]
    if ended:
        component = st.components.v2.component(
            "studio_desktop_notices",
            html="<i hidden></i>",
            js=Path(__file__).with_name("desktop_notices.js").read_text(encoding="utf-8"),
            isolate_styles=False,
        )
        component(key="desktop_notices", data={"jobs": list(ended)}, height=0)


def concerns(starter: str, who: Visitor | None) -> bool:
    """Returns whether a job that the account ``starter`` began is one of this person's; one that nobody began
    who had logged in, as from the command line, is the owner's who has no account either."""
    if who is None:
        return True
    return starter == who.account and (starter != "" or who.role is Role.OWNER)


def _key(workspace: Workspace, job: jobs.Job) -> str:
    """What tells this job from those of other workspaces that the same address has served."""
    return f"{workspace.home.name}-{job.id}-{job.created_at:%Y%m%d%H%M%S%f}"
