"""审核: read the samples one by one or in bulk; accept, reject, fix, edit, and undo any of it."""

import streamlit as st

from pages.review.bulk import bulk
from pages.review.card import card_view, no_match
from pages.review.clusters import clusters
from pages.review.desk import Desk
from pages.review.filters import filters, origin_note, reviewer
from pages.review.record import record
from pages.review.second import second_view
from pages.review.table import table
from pages.shared.frame import current_recipe, page_header, report_errors
from pages.shared.review_parts import check_with_progress, progress_line, show_outcome, undo_buttons
from tianji_core import cleaning, review
from tianji_core.cleaning import context_of
from tianji_core.i18n import _
from tianji_core.store import samples
from tianji_core.store.samples import SampleFilter

workspace = page_header(
    _("审核"), _("规则先挑出毛病，人再决定用不用。每一步都能撤销，只有“采用”的样本会进数据集。")
)
engine = workspace.engine
recipe = current_recipe().recipe


def no_samples() -> None:
    """What to do when there is nothing to review."""
    st.info(_("还没有样本。先造一批，或者导入别人的数据，再回来审核。"), icon="🌱")
    row = st.columns(2)
    row[0].page_link("pages/generate/page.py", label=_("去造数"), icon="✨")
    row[1].page_link("pages/dataset/page.py", label=_("去导入"), icon="📥", query_params={"part": _("导入")})


def many(desk: Desk, view: str) -> None:
    """A view of many samples at once, below the progress."""
    show_outcome()
    counts = samples.state_counts(engine, SampleFilter(recipe.key))
    top = st.columns([2, 3], vertical_alignment="bottom")
    with top[0]:
        progress_line(counts)
    with top[1]:
        undo_buttons(workspace, recipe.key, desk.who, desk.keys)
    if not samples.page(engine, desk.wanted, limit=1):
        no_match(counts, desk.wanted)
    else:
        {"table": table, "bulk": bulk, "repeats": clusters}[view](desk)


with report_errors():
    check_with_progress(workspace, recipe.key)
    if not samples.total(engine, recipe.key):
        no_samples()
        st.stop()
    who = reviewer(workspace)
    wanted, view, order = filters(workspace, recipe)
    origin_note(wanted)
    keys = review.load_keys(workspace, who)
    desk = Desk(workspace, recipe, context_of(recipe), wanted, order, who, keys)
    if view == "card":
        card_view(desk)
    elif view == "second":
        second_view(desk)
    elif view == "record":
        show_outcome()
        record(desk)
    else:
        many(desk, view)
    row = st.columns([1, 3], vertical_alignment="center")
    if row[0].button(_("重新检查全部"), key="check_again", icon="🔁"):
        with st.spinner(_("正在重新检查")):
            cleaning.check_again(workspace, recipe.key)
        st.rerun()
    row[1].caption(_("改过配方或规则之后会自动重新检查；不放心时可以用它让规则再看一遍所有样本。"))
