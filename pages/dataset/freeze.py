"""The fields that say what a version consists of, and the comparison of two versions."""

from collections.abc import Callable, Sequence
from typing import Any

import streamlit as st

from pages.dataset.freeze_filter import FORM
from pages.shared.cell_words import style_word, unknown_style
from pages.shared.kept import kept
from pages.shared.text import plain
from pages.shared.usable import switch, within
from tianji_core import dataset
from tianji_core.dataset import Balance, Change, DatasetVersion
from tianji_core.i18n import _
from tianji_core.workspace import Workspace

_SHOWN = 20
"""The number of changes of one kind that are listed."""


def balance_fields() -> Callable[[], Balance]:
    """Draws the fields that balance, split and shuffle the samples, folded.

    Returns a function that makes the balance; it raises the error of an invalid one, which is to be shown
    only when the person freezes.
    """
    with st.expander(_("平衡和验证集"), icon="⚖️"):
        left, right = st.columns(2)
        unlimited: Any = {"placeholder": _("不限"), "help": _("空着表示不限；多出来的按种子抽")}
        per_cell = left.number_input(
            _("每个格子至多"),
            1,
            100_000,
            None,
            **kept(FORM, "freeze_per_cell", within(1, 100_000)),
            **unlimited,
        )
        per_style = right.number_input(
            _("每种{kind}至多", kind=style_word()),
            1,
            1_000_000,
            None,
            **kept(FORM, "freeze_per_style", within(1, 1_000_000)),
            **unlimited,
        )
        percent = left.slider(
            _("留作验证"),
            0,
            50,
            0,
            format="%d%%",
            help=_("整个格子留出来写进 val.json：训练时没见过的格子，才看得出模型会不会举一反三"),
            **kept(FORM, "freeze_validation", within(0, 50), 0),
        )
        seed = right.number_input(
            _("种子"), 0, 2**31 - 1, 0, **kept(FORM, "freeze_seed", within(0, 2**31 - 1), 0)
        )
        shuffle = st.checkbox(_("打乱顺序"), **kept(FORM, "freeze_shuffle", switch, False))
    return lambda: Balance(
        per_cell=per_cell,
        per_style=per_style,
        shuffle=shuffle,
        validation=percent / 100,
        seed=int(seed),
    )


def compare_versions(workspace: Workspace, versions: Sequence[DatasetVersion]) -> None:
    """Draws the choice of two versions, and what was added, removed and changed between them."""
    by_name = {version.name: version for version in versions}
    left, right = st.columns(2)
    older = left.selectbox(_("旧版本"), list(by_name), index=1, key="older_version")
    newer = right.selectbox(_("新版本"), list(by_name), index=0, key="newer_version")
    difference = dataset.difference(workspace, by_name[older], by_name[newer])
    columns = st.container(key="version_difference").columns(4)
    columns[0].metric(_("一样"), f"{difference.same:,}")
    columns[1].metric(_("新增"), f"{len(difference.added):,}")
    columns[2].metric(_("去掉"), f"{len(difference.removed):,}")
    columns[3].metric(_("改了回答"), f"{len(difference.changed):,}")
    style_changes = [
        f"{plain(style or unknown_style())} {change:+d}"
        for style, change in difference.styles.items()
        if change
    ]
    if style_changes:
        st.caption(_("各{kind}的变化：{styles}", kind=style_word(), styles=_("，").join(style_changes)))
    for title, changes in (
        (_("改了回答"), difference.changed),
        (_("新增"), difference.added),
        (_("去掉"), difference.removed),
    ):
        _changes(title, changes)


def _changes(title: str, changes: Sequence[Change]) -> None:
    if not changes:
        return
    st.caption(f"**{title}**")
    shown = changes[:_SHOWN]
    columns = {
        _("输入"): [change.asked for change in shown],
        _("旧版本"): [change.before for change in shown],
        _("新版本"): [change.after for change in shown],
    }
    table = {heading: texts for heading, texts in columns.items() if any(texts)}
    widths = {
        heading: st.column_config.TextColumn(width=110 if heading == _("输入") else 240) for heading in table
    }
    st.dataframe(table, hide_index=True, width="stretch", height="content", column_config=widths)
    if len(changes) > _SHOWN:
        st.caption(_("上面是前 {n} 条的样子", n=_SHOWN))
