"""审核: read the samples one by one or in bulk; accept, reject, fix, edit, and undo any of it."""

import streamlit as st

from pages.components.frame import current_recipe, page_header, report_errors
from pages.components.review import (
    ROWS,
    attempt,
    check_with_progress,
    clear_filters,
    filters,
    origin_note,
    progress_line,
    show_outcome,
    undo_buttons,
)
from pages.components.review_bulk import decide_all, fix_all, rules_overview, samples_table
from pages.components.review_card import card, current_sample
from pages.components.review_clusters import clusters
from pages.components.review_history import feed
from pages.components.review_judge import judge_part
from tianji_core import cleaning
from tianji_core.cleaning import context_of
from tianji_core.i18n import _, _c
from tianji_core.store import findings, samples, steps
from tianji_core.store.samples import ACCEPTED, PENDING, REJECTED, Sample, SampleFilter
from tianji_core.store.steps import Step

workspace = page_header(
    _("审核"), _("规则先挑出毛病，人再决定用不用。每一步都能撤销，只有“采用”的样本会进数据集。")
)
engine = workspace.engine
recipe = current_recipe().recipe
who = workspace.settings().reviewer
everything = SampleFilter(recipe.key)


def no_samples() -> None:
    """What to do when there is nothing to review."""
    st.info(_("还没有样本。先造一批，或者导入别人的数据，再回来审核。"), icon="🌱")
    row = st.columns(2)
    row[0].page_link("pages/data/generate.py", label=_("去造数"), icon="✨")
    row[1].page_link("pages/data/dataset.py", label=_("去导入"), icon="📥", query_params={"part": _("导入")})


def no_match(counts: dict[str, int], wanted: SampleFilter) -> None:
    """What to do when the filters leave nothing."""
    if wanted == SampleFilter(recipe.key, states=(PENDING,)) and not counts[PENDING]:
        st.success(_("全部审完了，采用了 {n} 条。", n=counts[ACCEPTED]), icon="🎉")
        st.page_link("pages/data/dataset.py", label=_("去冻结数据集"), icon="📦")
        return
    st.info(_("没有符合这些筛选条件的样本"), icon="🔍")
    st.button(_("清除筛选"), key="clear_filters", on_click=clear_filters)


def turn(first: int | None, before: int | None = None) -> None:
    """Callback: show the page of the table that begins with a sample, or ends before one."""
    if before is not None:
        page = samples.page(engine, wanted, before_id=before, limit=ROWS, order=order)
        first = page[0].id if page else None
    if first is not None:
        st.query_params["from"] = str(first)
    elif "from" in st.query_params:
        del st.query_params["from"]


def decide(chosen: list[Sample], state: str) -> None:
    """Callback: set the state of the ticked samples, provided they are still what was shown."""
    only = SampleFilter(recipe.key, ids=tuple(s.id for s in chosen))
    seen = {s.id: s.version for s in chosen}
    attempt(lambda: steps.set_state(engine, only, state, who, seen), nothing=_("没有改动"))


def fix_chosen(chosen: list[Sample]) -> None:
    """Callback: apply the safe fixes to the ticked samples."""
    only = SampleFilter(recipe.key, ids=tuple(s.id for s in chosen))
    seen = {s.id: s.version for s in chosen}

    def act() -> Step | None:
        return cleaning.fix(workspace, only, who=who, versions=seen)

    attempt(act, nothing=_("选中的样本没有可以修正的问题"))


def table() -> None:
    """A page of samples with actions on the ticked ones."""
    place = st.query_params.get("from", "")
    start = int(place) if place.isdecimal() and len(place) < 16 else None
    found_here = samples.page(engine, wanted, from_id=start, limit=ROWS + 1, order=order)
    found_here = found_here or samples.page(engine, wanted, limit=ROWS + 1, order=order)
    page, rest = found_here[:ROWS], found_here[ROWS:]
    total = samples.count(engine, wanted)
    first = samples.count(engine, wanted, up_to_id=page[0].id, order=order)
    last = first + len(page) - 1
    actions = st.container(horizontal=True, vertical_alignment="center")
    found = findings.of(engine, [s.id for s in page])
    chosen = samples_table(page, found, key=f"table_{page[0].id}_{sum(s.version for s in page)}")
    with actions:
        st.markdown(_("选中 **{n}** 条", n=len(chosen)) if chosen else _("在最左边打勾选样本"))
        for key, label, icon, state in (
            ("accept_chosen", _c("button", "采用"), "✅", ACCEPTED),
            ("reject_chosen", _c("button", "弃用"), "🚫", REJECTED),
            ("reopen_chosen", _("改回待审"), "🕓", PENDING),
        ):
            st.button(label, key=key, icon=icon, disabled=not chosen, on_click=decide, args=(chosen, state))
        st.button(
            _("修正"), key="fix_chosen", icon="🪄", disabled=not chosen, on_click=fix_chosen, args=(chosen,)
        )
        st.space("stretch")
        st.markdown(_("第 {first}-{last} 条，共 {total} 条", first=first, last=last, total=total))
        st.button("⏮", key="first_page", disabled=first == 1, on_click=turn, args=(None,))
        st.button("◀", key="previous_page", disabled=first == 1, on_click=turn, args=(None, page[0].id))
        st.button(
            "▶", key="next_page", disabled=not rest, on_click=turn, args=(rest[0].id if rest else None,)
        )


def bulk() -> None:
    """Actions on everything that matches."""
    rules_overview(findings.rule_counts(engine, wanted))
    st.subheader(_("一起决定"))
    decide_all(workspace, wanted, who)
    st.subheader(_("一起修正"))
    fix_all(workspace, wanted)
    st.subheader(_("模型评审"))
    judge_part(workspace, wanted)


with report_errors():
    check_with_progress(workspace, recipe.key)
    show_outcome()
    counts = samples.state_counts(engine, everything)
    if not sum(counts.values()):
        no_samples()
        st.stop()
    top = st.columns([2.4, 2.6], vertical_alignment="bottom")
    with top[0]:
        progress_line(counts)
    with top[1]:
        beside = undo_buttons(workspace, recipe.key)
        with beside:
            feed(workspace, recipe.key)
    wanted, view, order = filters(recipe)
    origin_note(wanted)
    sample = current_sample(workspace, wanted, order)
    if sample is None:
        no_match(counts, wanted)
    elif view == "table":
        table()
    elif view == "bulk":
        bulk()
    elif view == "repeats":
        clusters(workspace, wanted, who)
    else:
        card(workspace, sample, wanted, order, context_of(recipe), who)
    row = st.columns([1, 3], vertical_alignment="center")
    if row[0].button(_("重新检查全部"), key="check_again", icon="🔁"):
        with st.spinner(_("正在重新检查")):
            cleaning.check_again(workspace, recipe.key)
        st.rerun()
    row[1].caption(_("改过配方或规则之后会自动重新检查；不放心时可以用它让规则再看一遍所有样本。"))
