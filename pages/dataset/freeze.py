"""How a version is put together, and what two versions have in common."""

from collections.abc import Callable, Sequence

import streamlit as st

from pages.shared.text import plain
from tianji_core import dataset
from tianji_core.dataset import Balance, Change, DatasetVersion
from tianji_core.i18n import _
from tianji_core.recipe import Recipe
from tianji_core.store.samples import ACCEPTED, SampleFilter
from tianji_core.workspace import Workspace

_SHOWN = 20


def balance_fields(recipe: Recipe) -> tuple[SampleFilter, Callable[[], Balance]]:
    """The fields of the freezing form that narrow, balance, split and shuffle; to be called inside the form. The second
    value makes the balance, so that a wrong one is reported where the form is sent."""
    with st.expander(_("筛选、平衡和验证集")):
        styles = st.multiselect(
            _("只要这些风格"),
            [style.text for style in recipe.styles],
            key="freeze_styles",
            placeholder=_("全部风格"),
        )
        names = st.multiselect(
            _("只要这些称谓"),
            [name.text for name in recipe.names],
            key="freeze_names",
            placeholder=_("全部称谓"),
        )
        scenes = st.multiselect(
            _("只要这些场景"),
            [scene.text for scene in recipe.scenes],
            key="freeze_scenes",
            placeholder=_("全部场景"),
        )
        clean = st.checkbox(_("只要规则没有发现问题的"), key="freeze_clean")
        left, right = st.columns(2)
        per_cell = left.number_input(
            _("每个格子至多"), 0, 100_000, 0, key="freeze_per_cell", help=_("0 表示不限；多出来的按种子抽")
        )
        per_style = right.number_input(
            _("每种风格至多"), 0, 1_000_000, 0, key="freeze_per_style", help=_("0 表示不限；多出来的按种子抽")
        )
        percent = left.slider(
            _("留作验证"),
            0,
            50,
            0,
            format="%d%%",
            key="freeze_validation",
            help=_("整个格子留出来写进 val.json：训练时没见过的人和场合，才看得出模型会不会举一反三"),
        )
        seed = right.number_input(_("种子"), 0, 2**31 - 1, 0, key="freeze_seed")
        shuffle = st.checkbox(_("打乱顺序"), key="freeze_shuffle")
    wanted = SampleFilter(
        recipe.key,
        states=(ACCEPTED,),
        styles=tuple(styles),
        names=tuple(names),
        scenes=tuple(scenes),
        clean=True if clean else None,
    )
    return wanted, lambda: Balance(
        per_cell=int(per_cell) or None,
        per_style=int(per_style) or None,
        shuffle=shuffle,
        validation=percent / 100,
        seed=int(seed),
    )


def compare_versions(workspace: Workspace, versions: Sequence[DatasetVersion]) -> None:
    """Choose two versions and see what is new, gone and different."""
    by_name = {version.name: version for version in versions}
    left, right = st.columns(2)
    older = left.selectbox(_("旧版本"), list(by_name), index=1, key="older_version")
    newer = right.selectbox(_("新版本"), list(by_name), index=0, key="newer_version")
    found = dataset.difference(workspace, by_name[older], by_name[newer])
    row = st.columns(4)
    row[0].metric(_("一样"), f"{found.same:,}")
    row[1].metric(_("新增"), f"{len(found.added):,}")
    row[2].metric(_("去掉"), f"{len(found.removed):,}")
    row[3].metric(_("改了回答"), f"{len(found.changed):,}")
    moved = [
        f"{plain(style or _('风格不明'))} {change:+d}" for style, change in found.styles.items() if change
    ]
    if moved:
        st.caption(_("各风格的变化：{styles}", styles=_("，").join(moved)))
    for title, changes in (
        (_("改了回答"), found.changed),
        (_("新增"), found.added),
        (_("去掉"), found.removed),
    ):
        _changes(title, changes)


def _changes(title: str, changes: Sequence[Change]) -> None:
    if not changes:
        return
    st.caption(f"**{title}**")
    texts = {
        _("输入"): [each.asked for each in changes[:_SHOWN]],
        _("旧版本"): [each.before for each in changes[:_SHOWN]],
        _("新版本"): [each.after for each in changes[:_SHOWN]],
    }
    rows = {title: column for title, column in texts.items() if any(column)}
    st.dataframe(rows, hide_index=True, width="stretch", height="content")
    if len(changes) > _SHOWN:
        st.caption(_("上面是前 {n} 条的样子", n=_SHOWN))
