"""The query parameters that hold the filters of the review page: reading, writing and clearing them."""

from collections.abc import Mapping
from datetime import date
from typing import Any, cast

import streamlit as st

from pages.review.session import PANEL, put_in_address
from pages.shared.clock import first_moment
from pages.shared.frame import asked_number, spoken
from pages.shared.kept import held
from tianji_core.i18n import _, _c
from tianji_core.store.samples import PENDING, SOURCE_TITLES

Bounds = tuple[float, float]

MORE: Mapping[str, str] = {
    "source": "source",
    "run": "run_id",
    "import": "import_id",
    "teacher": "models",
    "by": "reviewer",
    "stars": "rating",
    "score": "score",
    "since": "since",
    "until": "until",
}
"""Query parameter of each less frequent filter → its field of :class:`SampleFilter`."""
FIELDS: Mapping[str, Any] = {"q": "", "style": [], "name": [], "scene": [], "option": [], "finding": None}
"""Query parameters of the filters that a field writes by itself, with the value that sets none."""
RANGES: dict[str, Bounds] = {"stars": (0, 5), "score": (0.0, 5.0)}
"""The full range of each filter that is a range; choosing the full range clears the filter."""
_POSITION = ("id", "from", PANEL)
"""Query parameters that hold the position in the list and the open panel."""


def day_in_address(name: str) -> date | None:
    """Returns the date in a query parameter; None if it is absent or not an ISO date."""
    try:
        return date.fromisoformat(st.query_params.get(name, ""))
    except ValueError:
        return None


def range_in_address(name: str) -> Bounds | None:
    """Returns a range such as '3-5'; None if it is absent, malformed or outside :data:`RANGES`."""
    low, high = RANGES[name]
    try:
        first, last = (float(part) for part in st.query_params.get(name, "").split("-"))
    except ValueError:
        return None
    return (first, last) if low <= first <= last <= high else None


def more_filters_in_address() -> dict[str, Any]:
    """Returns the fields of :class:`SampleFilter` that the query parameters in :data:`MORE` set."""
    since, until = day_in_address("since"), day_in_address("until")
    teacher = st.query_params.get("teacher", "")
    return {
        "source": source if (source := st.query_params.get("source", "")) in SOURCE_TITLES else "",
        "run_id": asked_number("run"),
        "import_id": asked_number("import"),
        "models": (teacher,) if teacher else (),
        "reviewer": st.query_params.get("by", ""),
        "rating": cast(tuple[int, int] | None, range_in_address("stars")),
        "score": range_in_address("score"),
        "since": first_moment(since) if since else "",
        "until": first_moment(until) if until else "",
    }


def keep_in_address(name: str, widget: str) -> None:
    """Callback: writes the value of a widget into the query parameter ``name``."""
    if not held(widget):
        return
    value: Any = st.session_state[widget]
    if isinstance(value, tuple):
        value = "" if value == RANGES[name] else "-".join(f"{bound:g}" for bound in value)
    put_in_address(name, str(value) if value is not None else "")


def clear_filters() -> None:
    """Callback: resets every filter, which shows all pending samples."""
    defaults: dict[str, Any] = {
        **FIELDS,
        "state": PENDING,
    }
    for key, value in defaults.items():
        st.session_state[key] = value
    for name in (*_POSITION, *MORE):
        put_in_address(name, "")


def clear_filter(name: str) -> None:
    """Callback: resets the filter of one query parameter."""
    if name in FIELDS:
        st.session_state[name] = FIELDS[name]
    else:
        put_in_address(name, "")
    put_in_address("id", "")


def filter_title(name: str) -> str:
    """Returns what the filter of a query parameter is called."""
    words = spoken()
    titles = {
        "q": _c("filter", "搜索"),
        "style": words.style,
        "name": words.name,
        "scene": words.scene,
        "option": _("条件"),
        "finding": _("问题"),
        "source": _("来源"),
        "run": _("生成批次"),
        "import": _("导入"),
        "teacher": _("造数模型"),
        "by": _("谁动过"),
        "stars": _("星级"),
        "score": _("模型评分"),
        "since": _("从哪天"),
        "until": _("到哪天"),
    }
    return titles[name]


def source_title(source: str) -> str:
    """Returns what a source of samples is called."""
    return _(SOURCE_TITLES.get(source, source))
