"""The table view: one page of samples, decided together by ticking them or edited in place."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import streamlit as st

from pages.review.sample_display import STATE_ICONS
from pages.review.session import ReviewSession, put_in_address
from pages.review.table_actions import decision_buttons, save_button
from pages.shared.cell_words import cell_words
from pages.shared.difference import turn_title
from pages.shared.frame import asked_number
from tianji_core.cleaning import BY_ID
from tianji_core.i18n import _, _c
from tianji_core.store import findings, samples
from tianji_core.store.findings import Finding
from tianji_core.store.samples import STATE_TITLES, STATES, Sample
from tianji_core.store.steps import SampleRevision

PAGE_SIZES = (50, 100, 200)
TICKED, STATE, STARS, TEXT = "ticked", "state", "stars", "text"
"""Columns that can be edited."""


def table(session: ReviewSession) -> None:
    """Draws the page that begins with the sample in the address: its actions above, the other pages below."""
    engine, sample_filter, order = session.workspace.engine, session.filter, session.order
    head = st.container(horizontal=True, vertical_alignment="center", gap="small", key="table_decide")
    rows = st.container()
    tools = st.container(horizontal=True, vertical_alignment="center", gap="small", key="table_tools")
    with tools:
        size = _page_size()
    start = asked_number("from")
    first_samples = samples.page(engine, sample_filter, from_id=start, limit=size + 1, order=order)
    if not first_samples:
        start, first_samples = None, samples.page(engine, sample_filter, limit=size + 1, order=order)
    page, following = first_samples[:size], first_samples[size:]
    findings_by_id = findings.of(engine, [sample.id for sample in page])
    table_key = f"table_{page[0].id}_{len(page)}_{sum(sample.version for sample in page)}"
    with rows:
        ticked, revisions = _editor(page, findings_by_id, table_key)
    with head:
        if revisions:
            save_button(session, revisions)
        if ticked:
            decision_buttons(session, ticked)
        elif not revisions:
            st.markdown(_("打勾选样本，再采用或弃用；双击一格可以改"), width="content")
        _tick_page_button(table_key)
    with tools:
        st.space("stretch")
        # Only the sides that are not known to be empty are counted, because a text search reads every sample.
        first, last = page[0].id if start is not None else None, page[-1].id if following else None
        before, after = samples.count_beside(engine, sample_filter, first, last, order)
        st.caption(
            _(
                "第 {first}-{last} 条，共 {total} 条",
                first=before + 1,
                last=before + len(page),
                total=before + len(page) + after,
            )
        )
        previous = (lambda: _previous_page(session, page[0], size)) if before else None
        _page_buttons(previous, following[0].id if following else None, bool(revisions))


def _page_size() -> int:
    size = st.segmented_control(
        _("每页"),
        PAGE_SIZES,
        default=PAGE_SIZES[0],
        required=True,
        format_func=str,
        key="rows",
        bind="query-params",
        label_visibility="collapsed",
    )
    return size or PAGE_SIZES[0]


def _editor(
    page: Sequence[Sample], findings_by_id: Mapping[int, Sequence[Finding]], table_key: str
) -> tuple[list[Sample], dict[int, SampleRevision]]:
    """Draws the table; returns the ticked samples, and the edits by sample id."""
    import pandas as pd

    whole_page = _whole_page(table_key)
    frame = pd.DataFrame(
        {
            TICKED: [whole_page] * len(page),
            TEXT: [sample.output for sample in page],
            "cell": [f"{cell_words(sample)}\n{sample.style}" for sample in page],
            "findings": [_finding_titles(findings_by_id[sample.id]) for sample in page],
            STATE: [_state_title(sample.state) for sample in page],
            STARS: [sample.rating or 0 for sample in page],
            "length": [sample.length for sample in page],
            "id": [sample.id for sample in page],
        }
    )
    key = f"{table_key}_{whole_page}"
    st.data_editor(
        frame,
        key=key,
        hide_index=True,
        width="stretch",
        height=600,
        row_height=90,
        disabled=["id", "cell", "length", "findings"],
        column_config={
            TICKED: st.column_config.CheckboxColumn(_c("column", "选"), width=48),
            TEXT: st.column_config.TextColumn(_("内容"), width=308, required=True),
            "cell": st.column_config.TextColumn(_("格子"), width=108),
            "findings": st.column_config.TextColumn(_("问题"), width=110),
            STATE: st.column_config.SelectboxColumn(
                _("状态"), width=76, options=[_state_title(state) for state in STATES], required=True
            ),
            STARS: st.column_config.NumberColumn(_("星"), width=58, min_value=0, max_value=5, step=1),
            "length": st.column_config.NumberColumn(_("字数"), width=44),
            "id": st.column_config.NumberColumn(_("编号"), width=58, format="%d"),
        },
    )
    edits: dict[int, dict[str, Any]] = st.session_state[key]["edited_rows"] if key in st.session_state else {}
    ticked = [sample for row, sample in enumerate(page) if edits.get(row, {}).get(TICKED, whole_page)]
    revisions = {
        page[row].id: revision
        for row, values in edits.items()
        if row < len(page) and (revision := _revision(page[row], values)) is not None
    }
    return ticked, revisions


def _state_title(state: str) -> str:
    return f"{STATE_ICONS[state]} {_(STATE_TITLES[state])}"


def _finding_titles(sample_findings: Sequence[Finding]) -> str:
    titles = [
        (f"{turn_title(finding.turn)} · " if finding.turn else "") + _(BY_ID[finding.rule].title)
        for finding in sample_findings
        if finding.rule in BY_ID
    ]
    return _("、").join(titles)


def _revision(sample: Sample, values: Mapping[str, Any]) -> SampleRevision | None:
    """Returns the edits of one row; None if they change nothing."""
    states = {_state_title(state): state for state in STATES}
    state = states.get(values.get(STATE) or "")
    text = values.get(TEXT)
    stars = values.get(STARS)
    output = text.strip() if text is not None and text.strip() != sample.output else None
    state = state if state != sample.state else None
    stars = int(stars) if stars is not None and int(stars) != (sample.rating or 0) else None
    if output is None and state is None and stars is None:
        return None
    return SampleRevision(sample.version, output, state, stars)


def _whole_page(table_key: str) -> bool:
    return bool(st.session_state.get(f"all_{table_key}"))


def _tick_page_button(table_key: str) -> None:
    st.button(
        _("全不选") if _whole_page(table_key) else _("全选本页"),
        key="tick_page",
        on_click=_toggle_page,
        args=(table_key,),
    )


def _toggle_page(table_key: str) -> None:
    """Callback: ticks all samples of the page, or none."""
    st.session_state[f"all_{table_key}"] = not _whole_page(table_key)


def _page_buttons(previous: Callable[[], int | None] | None, next_id: int | None, unsaved: bool) -> None:
    """Draws the buttons that turn the page.

    ``previous`` finds the first sample of the page before and is None on the first page; ``next_id`` is the
    first sample of the page after. Unsaved edits disable the buttons, because turning the page loses them.
    """
    why = _("先保存改动，或刷新放弃它们") if unsaved else None
    targets: tuple[tuple[str, str, bool, Callable[[], int | None]], ...] = (
        ("first_page", "⏮", previous is not None, lambda: None),
        ("previous_page", "◀", previous is not None, previous or (lambda: None)),
        ("next_page", "▶", next_id is not None, lambda: next_id),
    )
    for key, label, possible, target in targets:
        st.button(
            label, key=key, disabled=unsaved or not possible, help=why, on_click=_turn_page, args=(target,)
        )


def _previous_page(session: ReviewSession, first: Sample, size: int) -> int | None:
    page = samples.page(
        session.workspace.engine, session.filter, before_id=first.id, limit=size, order=session.order
    )
    return page[0].id if page else None


def _turn_page(target: Callable[[], int | None]) -> None:
    """Callback: shows the page of the table that begins with a sample; None shows the first page."""
    sample_id = target()
    put_in_address("from", str(sample_id) if sample_id is not None else "")
