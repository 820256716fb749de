"""审核: review the samples one by one or in bulk: accept, reject, fix, edit and undo."""

import streamlit as st

from pages.review.bulk import bulk
from pages.review.card import card_view, no_match
from pages.review.filters import choose_view, filters, origin_note
from pages.review.near_duplicates import near_duplicates
from pages.review.panel_focus import leave_fields_by_enter
from pages.review.review_log import review_log
from pages.review.reviewer import reviewer
from pages.review.second_review import second_review_view
from pages.review.session import ReviewSession
from pages.review.table import table
from pages.shared.frame import current_recipe, report_errors
from pages.shared.header import page_header
from pages.shared.review_parts import check_with_progress, progress_line, show_outcome, undo_buttons
from pages.shared.visitors import role
from tianji_core import review
from tianji_core.cleaning import context_of
from tianji_core.i18n import _
from tianji_core.roles import Role
from tianji_core.store import samples
from tianji_core.store.samples import SampleFilter

workspace = page_header(
    "review", _("审核"), _("规则先挑出毛病，人再决定用不用。每一步都能撤销，只有“采用”的样本会进数据集。")
)
engine = workspace.engine
recipe = current_recipe().recipe


def no_samples() -> None:
    """Draws what to do when the recipe has no samples."""
    st.info(_("还没有样本。先造一批，或者导入别人的数据，再回来审核。"), icon="🌱")
    left, right = st.columns(2)
    left.page_link("pages/generate/page.py", label=_("去造数"), icon="✨")
    right.page_link("pages/dataset/page.py", label=_("去导入"), icon="📥", query_params={"part": _("导入")})


def samples_view(session: ReviewSession, view: str) -> None:
    """Draws the progress and a view of many samples at once."""
    show_outcome()
    counts = samples.state_counts(engine, SampleFilter(recipe.key))
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="many_head"):
        progress_line(counts)
        undo_buttons(workspace, recipe.key, session.who, session.keys, brief=True)
    if not samples.page(engine, session.filter, limit=1):
        no_match(counts, session.filter)
    else:
        {"table": table, "bulk": bulk, "repeats": near_duplicates}[view](session)


with report_errors():
    check_with_progress(workspace, recipe.key)
    if not samples.total(engine, recipe.key):
        no_samples()
        st.stop()
    if role() < Role.REVIEWER:
        st.caption(_("您是查看者：可以看，不能改。"))
    who = reviewer(workspace)
    sample_filter, order = filters(workspace, recipe)
    origin_note(sample_filter)
    keys = review.load_keys(workspace, who)
    session = ReviewSession(workspace, recipe, context_of(recipe), sample_filter, order, who, keys)
    with st.container(key="view_row"):
        view = choose_view()
    if view == "card":
        card_view(session)
    elif view == "second":
        second_review_view(session)
    elif view == "record":
        show_outcome()
        review_log(session)
    else:
        samples_view(session, view)
    leave_fields_by_enter()
