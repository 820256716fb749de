"""Many entries at once: pasting with a preview, CSV in and out."""

from collections.abc import Callable

import streamlit as st

from pages.shared.frame import report_errors
from tianji_core.i18n import _
from tianji_core.recipe import RELATION_TITLES, SCENE_KIND_TITLES, Recipe
from tianji_core.recipe.tables import (
    HEADERS,
    Listing,
    PastedRow,
    Status,
    add_rows,
    read_rows,
    replace_rows,
    to_csv,
)

Save = Callable[[Recipe, str], None]
STATUS_ICONS = {Status.NEW: "🆕", Status.DUPLICATE: "♻️", Status.WRONG: "⚠️"}


def paste_box(recipe: Recipe, listing: Listing, title: str, save: Save) -> None:
    """Paste or upload, see what is new, double or wrong, then add or replace; and the list as CSV."""
    with st.expander(_("批量粘贴 · CSV 导入导出"), icon="📋"):
        left, right = st.columns([3, 1])
        with left:
            columns = _("、").join(HEADERS[listing].values())
            text = st.text_area(
                _("一行一个；要写多列就用逗号或制表符隔开，列的顺序是：{columns}", columns=columns),
                key=f"paste_{listing.value}",
                height=140,
            )
        with right:
            upload = st.file_uploader(
                _("或者选一个 CSV 文件"), type=["csv", "tsv", "txt"], key=f"csv_{listing.value}"
            )
            st.download_button(
                _("导出 CSV"),
                data=lambda: "\ufeff" + to_csv(recipe, listing),
                file_name=f"{recipe.key}-{listing.value}.csv",
                mime="text/csv",
                key=f"csv_out_{listing.value}",
                icon="⬇️",
                on_click="ignore",
                width="stretch",
            )
        defaults = _defaults(listing)
        if upload is not None:
            text = _decoded(upload.getvalue())
        if not text.strip():
            return
        rows = read_rows(recipe, listing, text, defaults)
        fresh = [row for row in rows if row.status is Status.NEW]
        _preview(rows)
        row = st.container(horizontal=True)
        if row.button(
            _("加入 {n} 个新的", n=len(fresh)),
            key=f"paste_add_{listing.value}",
            type="primary",
            icon="➕",
            disabled=not fresh,
        ):
            _keep(add_rows, recipe, listing, rows, save, _("{title}加入 {n} 个", title=title, n=len(fresh)))
        if row.button(
            _("用这 {n} 行替换整张表", n=len(rows)), key=f"paste_replace_{listing.value}", icon="🔁"
        ):
            _keep(replace_rows, recipe, listing, rows, save, _("{title}整张替换", title=title))


def _keep(
    act: Callable[[Recipe, Listing, list[PastedRow]], Recipe],
    recipe: Recipe,
    listing: Listing,
    rows: list[PastedRow],
    save: Save,
    what: str,
) -> None:
    with report_errors():
        new = act(recipe, listing, rows)
        st.session_state.pop(f"paste_{listing.value}", None)  # what was taken over is not offered again
        save(new, what)


def _preview(rows: list[PastedRow]) -> None:
    titles = {Status.NEW: _("新增"), Status.DUPLICATE: _("重复，跳过"), Status.WRONG: _("有错，跳过")}
    counts = {status: sum(row.status is status for row in rows) for status in Status}
    st.caption(" · ".join(f"{STATUS_ICONS[s]} {titles[s]} {n}" for s, n in counts.items() if n))
    st.dataframe(
        {
            _("行"): [row.number for row in rows],
            _("结果"): [f"{STATUS_ICONS[row.status]} {titles[row.status]}" for row in rows],
            _("内容"): [row.text for row in rows],
            _("说明"): [row.message for row in rows],
        },
        hide_index=True,
        width="stretch",
        height=min(38 * (len(rows) + 1), 320),
        column_config={_("行"): st.column_config.NumberColumn(width=50)},
    )


def _defaults(listing: Listing) -> dict[str, str]:
    """What columns that were not given are to be."""
    row = st.columns(3)
    if listing is Listing.NAMES:
        relation = row[0].selectbox(
            _("没写关系的算"),
            list(RELATION_TITLES),
            index=list(RELATION_TITLES).index("friend"),
            format_func=lambda value: _(RELATION_TITLES[value]),
            key="paste_relation",
        )
        pronoun = row[1].selectbox(_("没写称呼的用"), ["你", "您"], key="paste_pronoun")
        return {"relation": str(relation), "pronoun": str(pronoun)}
    if listing is Listing.SCENES:
        kind = row[0].selectbox(
            _("没写类别的算"),
            list(SCENE_KIND_TITLES),
            format_func=lambda value: _(SCENE_KIND_TITLES[value]),
            key="paste_kind",
        )
        return {"kind": str(kind)}
    return {}


def _decoded(content: bytes) -> str:
    """UTF-8 as everybody writes it, or GB 18030 as older spreadsheets do."""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("gb18030", errors="replace")
