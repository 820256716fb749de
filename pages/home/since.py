"""What has changed since the last visit."""

import contextlib
import json
from datetime import datetime
from typing import Any

import streamlit as st

from pages.shared.clock import MINUTE, local_time
from pages.shared.visitors import role
from tianji_core.errors import StudioError
from tianji_core.files import write_json
from tianji_core.i18n import _
from tianji_core.roles import Role
from tianji_core.store import datasets, samples, training
from tianji_core.store.database import now
from tianji_core.store.samples import ACCEPTED, SampleFilter
from tianji_core.workspace import Workspace

FILE = "visits.json"
_MOST = 10_000
"""The number of trainings that are counted."""


def since_last_visit(workspace: Workspace, recipe: str) -> None:
    """Draws in one line what was made in a recipe since the visit before this one; nothing at the first
    visit, and where nothing was made. A visit lasts as long as the tab."""
    if role() < Role.OWNER:  # the visits are those of the person who works here
        return
    counts, visits = _counts(workspace, recipe), _visits(workspace)
    first = f"_home_before_{recipe}" not in st.session_state
    before = st.session_state.setdefault(f"_home_before_{recipe}", visits.get(recipe))
    seen = [now().isoformat(), *counts.values()]
    if first or visits.get(recipe, [])[1:] != seen[1:]:
        with contextlib.suppress(StudioError, OSError):  # it is not worth a fault on the page
            write_json(workspace.home / FILE, {**visits, recipe: seen})
    if before is None:
        return
    try:
        gained = [n - was for n, was in zip(counts.values(), before[1:], strict=True)]
        when = local_time(datetime.fromisoformat(before[0]), MINUTE)
    except (TypeError, ValueError):  # somebody has changed the file by hand
        return
    parts = [f"{title} {more:+,}" for title, more in zip(counts, gained, strict=True) if more]
    if parts:
        said = _("上次来（{when}）以后：{parts}", when=when, parts=_("，").join(parts))
        st.caption(f"🕰️ {said}")


def _visits(workspace: Workspace) -> dict[str, list[Any]]:
    """The time and the counts of the last visit by recipe."""
    try:
        return dict(json.loads((workspace.home / FILE).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return {}


def _counts(workspace: Workspace, recipe: str) -> dict[str, int]:
    states = samples.state_counts(workspace.engine, SampleFilter(recipe))
    return {
        _("样本"): sum(states.values()),
        _("采用"): states.get(ACCEPTED, 0),
        _("数据集"): len(datasets.listed(workspace.engine, recipe)),
        _("训练"): len(training.listed(workspace.engine, recipe, _MOST)),
    }
