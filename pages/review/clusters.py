"""Near duplicates: which samples say almost the same, and keeping the best one of each group."""

import streamlit as st

from pages.review.desk import Desk
from pages.review.marks import STATE_ICONS, cell_line, diff_html
from pages.shared.review_parts import attempt
from pages.shared.text import plain
from tianji_core import cleaning
from tianji_core.i18n import _
from tianji_core.store import comparing
from tianji_core.store.samples import REJECTED, Sample, SampleFilter
from tianji_core.workspace import Workspace

SHOWN = 10
_MEMBERS = 8


def clusters(desk: Desk) -> None:
    """How many groups there are, one button for all, and the largest ones with their texts."""
    workspace, wanted, who = desk.workspace, desk.wanted, desk.who
    number, members = comparing.cluster_count(workspace.engine, wanted)
    if not number:
        st.success(_("这些样本里没有近似重复的"), icon="✅")
        return
    st.markdown(
        _(
            "**{n}** 组样本几乎一样，多出 **{members}** 条。留下的是问题少、星级和评分高、写得长的那一条，其余弃用，可以一步撤销。",
            n=number,
            members=members,
        )
    )
    st.button(
        _("每组只留最好的一条"),
        key="keep_best",
        type="primary",
        icon="🧹",
        on_click=lambda: attempt(
            lambda: cleaning.keep_best(workspace, wanted, who), nothing=_("没有可以弃用的重复样本")
        ),
    )
    twins = comparing.twins(workspace.engine, wanted.recipe)
    for cluster in comparing.clusters(workspace.engine, wanted, limit=SHOWN):
        found = comparing.members_of(workspace.engine, [cluster.leader])
        standing = [sample for sample in found if sample.state != REJECTED]
        if standing:
            _cluster(workspace, wanted, cluster.leader, cleaning.ranked(standing, twins), who)
    if number > SHOWN:
        st.caption(_("上面是最大的 {n} 组", n=SHOWN))


def _cluster(
    workspace: Workspace, wanted: SampleFilter, leader: int, members: list[Sample], who: str
) -> None:
    best, others = members[0], members[1:]
    with st.container(border=True):
        head = st.columns([5, 1.4], vertical_alignment="center")
        head[0].markdown(_("⭐ 会留下 {sample}", sample=_label(best)))
        head[1].button(
            _("这组只留它"),
            key=f"keep_{leader}",
            width="stretch",
            disabled=not others,
            on_click=lambda: attempt(lambda: cleaning.keep_best(workspace, wanted, who, [leader])),
        )
        st.markdown(plain(best.output))
        for sample in others[:_MEMBERS]:
            st.caption(_label(sample))
            st.html(diff_html(best.output, sample.output))
        if len(others) > _MEMBERS:
            st.caption(_("还有 {n} 条", n=len(others) - _MEMBERS))


def _label(sample: Sample) -> str:
    stars = f" · {'★' * sample.rating}" if sample.rating else ""
    score = f" · {sample.score:.1f}" if sample.score is not None else ""
    return f"{STATE_ICONS[sample.state]} {cell_line(sample)}{stars}{score}"
