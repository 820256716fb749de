"""Adding many entries at once: pasting with a preview, CSV import and export."""

from collections.abc import Callable

import streamlit as st

from pages.shared.frame import report_errors
from pages.shared.kept import TYPED, forget, kept_text
from pages.shared.kept_files import forget_files, kept_files
from pages.shared.text import plain
from tianji_core.i18n import _
from tianji_core.recipe import Recipe, Relation
from tianji_core.recipe.tables import (
    Listing,
    PastedRow,
    Status,
    add_rows,
    headers,
    read_rows,
    replace_rows,
    to_csv,
)

Save = Callable[[Recipe, str], None]
STATUS_ICONS = {Status.NEW: "🆕", Status.DUPLICATE: "♻️", Status.WRONG: "⚠️"}


def paste_box(recipe: Recipe, listing: Listing, title: str, save: Save) -> None:
    """Draws the paste field, the upload, the preview, the buttons that add or replace, and the CSV export."""
    with st.expander(_("批量粘贴 · CSV 导入导出"), icon="📋"):
        left, right = st.columns([3, 1])
        with left:
            columns = _("、").join(_(title) for title in headers(recipe, listing).values())
            text = st.text_area(
                _("一行一个；要写多列就用逗号或制表符隔开，列的顺序是：{columns}", columns=columns),
                height=140,
                **kept_text(f"paste_{listing.value}", name=f"paste_{listing.value}_{recipe.key}"),
            )
        with right:
            uploads = kept_files(
                _("或者选一个 CSV 文件"),
                ["csv", "tsv", "txt"],
                f"csv_{listing.value}",
                form=_csv_form(recipe, listing),
                largest=8,
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
        defaults = _defaults(recipe, listing)
        for upload in uploads:
            text = decoded(upload.getvalue())
        if text.strip():
            with report_errors():
                _offer(recipe, listing, read_rows(recipe, listing, text, defaults), title, save)


def _offer(recipe: Recipe, listing: Listing, pasted: list[PastedRow], title: str, save: Save) -> None:
    """Draws the preview of the pasted rows and the buttons that add them or replace the list."""
    new = sum(row.status is Status.NEW for row in pasted)
    _preview(pasted)
    buttons = st.container(horizontal=True)
    if buttons.button(
        _("加入 {n} 个新的", n=new),
        key=f"paste_add_{listing.value}",
        type="primary",
        icon="➕",
        disabled=not new,
    ):
        _apply(add_rows, recipe, listing, pasted, save, _("{title}加入 {n} 个", title=title, n=new))
    if buttons.button(
        _("用这 {n} 行替换整张表", n=len(pasted)), key=f"paste_replace_{listing.value}", icon="🔁"
    ):
        _apply(replace_rows, recipe, listing, pasted, save, _("{title}整张替换", title=title))


def _apply(
    change: Callable[[Recipe, Listing, list[PastedRow]], Recipe],
    recipe: Recipe,
    listing: Listing,
    pasted: list[PastedRow],
    save: Save,
    note: str,
) -> None:
    """Saves the recipe with the pasted rows; the field is emptied so that they are not offered again."""
    with report_errors():
        new = change(recipe, listing, pasted)
        forget(TYPED, {f"paste_{listing.value}_{recipe.key}": f"paste_{listing.value}"})
        forget_files(_csv_form(recipe, listing))
        save(new, note)


def _csv_form(recipe: Recipe, listing: Listing) -> str:
    return f"csv-{listing.value}-{recipe.key}"


def status_titles() -> dict[Status, str]:
    """Returns what is said of a row by what becomes of it."""
    return {Status.NEW: _("新增"), Status.DUPLICATE: _("重复，跳过"), Status.WRONG: _("有错，跳过")}


def _preview(pasted: list[PastedRow]) -> None:
    """Draws what becomes of each pasted row."""
    titles = status_titles()
    counts = {status: sum(row.status is status for row in pasted) for status in Status}
    st.caption(" · ".join(f"{STATUS_ICONS[s]} {titles[s]} {n}" for s, n in counts.items() if n))
    st.dataframe(
        {
            _("行"): [row.number for row in pasted],
            _("结果"): [f"{STATUS_ICONS[row.status]} {titles[row.status]}" for row in pasted],
            _("内容"): [row.text for row in pasted],
            _("说明"): [row.message for row in pasted],
        },
        hide_index=True,
        width="stretch",
        height=min(38 * (len(pasted) + 1), 320),
        column_config={_("行"): st.column_config.NumberColumn(width=50)},
    )


def _defaults(recipe: Recipe, listing: Listing) -> dict[str, str]:
    """Draws the values for columns that were not pasted, and returns them by column."""
    columns = st.columns(3)
    if listing is Listing.NAMES:
        titles = recipe.relation_titles()
        relation = columns[0].selectbox(
            _("没写关系的算"),
            list(titles),
            index=list(titles).index(Relation.FRIEND) if Relation.FRIEND in titles else 0,
            format_func=lambda value: plain(titles[str(value)]),
            key="paste_relation",
        )
        pronoun = columns[1].selectbox(_("没写称呼的用"), ["你", "您"], key="paste_pronoun")
        return {"relation": str(relation), "pronoun": str(pronoun)}
    if listing is Listing.SCENES:
        titles = recipe.kind_titles()
        kind = columns[0].selectbox(
            _("没写类别的算"),
            list(titles),
            format_func=lambda value: plain(titles[str(value)]),
            key="paste_kind",
        )
        return {"kind": str(kind)}
    return {}


def decoded(content: bytes) -> str:
    """Returns the text of a file in UTF-8, or in GB 18030, which older spreadsheets write."""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("gb18030", errors="replace")
