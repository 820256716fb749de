"""Near duplicates: groups of samples with almost the same text, and keeping the best sample of each."""

import streamlit as st

from pages.review.sample_display import STATE_ICONS, cell_line
from pages.review.session import ReviewSession
from pages.shared.difference import diff_html
from pages.shared.review_parts import attempt
from pages.shared.text import plain
from tianji_core import cleaning
from tianji_core.i18n import _
from tianji_core.store import comparing
from tianji_core.store.samples import REJECTED, Sample

SHOWN = 10
"""The number of groups that are listed, the largest first."""
_MEMBERS = 8
"""The number of samples that are listed of one group beside the best."""


def near_duplicates(session: ReviewSession) -> None:
    """Draws the number of groups, one button for all of them, and the largest groups with their texts."""
    engine = session.workspace.engine
    number, members = comparing.cluster_count(engine, session.filter)
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
        on_click=_keep_best_of_all,
        args=(session,),
    )
    twins = comparing.twins(engine, session.filter.recipe)
    for cluster in comparing.clusters(engine, session.filter, limit=SHOWN):
        group = comparing.members_of(engine, [cluster.leader])
        kept = [sample for sample in group if sample.state != REJECTED]
        if kept:
            _cluster(session, cluster.leader, cleaning.ranked(kept, twins))
    if number > SHOWN:
        st.caption(_("上面是最大的 {n} 组", n=SHOWN))


def _cluster(session: ReviewSession, leader: int, members: list[Sample]) -> None:
    """Draws one group; ``members`` has the best sample first."""
    best, others = members[0], members[1:]
    with st.container(border=True):
        left, right = st.columns([5, 1.4], vertical_alignment="center")
        left.markdown(_("⭐ 会留下 {sample}", sample=_label(best)))
        right.button(
            _("这组只留它"),
            key=f"keep_{leader}",
            width="stretch",
            disabled=not others,
            on_click=_keep_best_of,
            args=(session, leader),
        )
        st.markdown(plain(best.output))
        for sample in others[:_MEMBERS]:
            st.caption(_label(sample))
            st.html(diff_html(best.output, sample.output))
        if len(others) > _MEMBERS:
            st.caption(_("还有 {n} 条", n=len(others) - _MEMBERS))


def _keep_best_of_all(session: ReviewSession) -> None:
    """Callback: rejects all but the best sample of every group."""
    attempt(
        lambda: cleaning.keep_best(session.workspace, session.filter, session.who),
        nothing=_("没有可以弃用的重复样本"),
    )


def _keep_best_of(session: ReviewSession, leader: int) -> None:
    """Callback: rejects all but the best sample of one group."""
    attempt(lambda: cleaning.keep_best(session.workspace, session.filter, session.who, [leader]))


def _label(sample: Sample) -> str:
    stars = f" · {'★' * sample.rating}" if sample.rating else ""
    score = f" · {sample.score:.1f}" if sample.score is not None else ""
    return f"{STATE_ICONS[sample.state]} {cell_line(sample)}{stars}{score}"
