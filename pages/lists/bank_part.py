"""Few-shot examples of styles from a file, with a preview."""

from collections.abc import Callable

import streamlit as st

from pages.lists.list_paste import STATUS_ICONS, decoded, status_titles
from pages.shared.cell_words import style_word
from pages.shared.frame import report_errors
from pages.shared.kept_files import forget_files, kept_files
from pages.shared.text import plain
from tianji_core.i18n import _
from tianji_core.recipe import Recipe
from tianji_core.recipe.example_banks import FILE_TYPES, BankRow, add_bank, read_bank
from tianji_core.recipe.tables import Status

Save = Callable[[Recipe, str, Callable[[], None] | None], None]


def bank_box(recipe: Recipe, style: str, save: Save) -> None:
    """Draws the upload, what becomes of each example, and the button that adds the new ones."""
    with st.expander(_("从文件加示例"), icon="📂"):
        st.caption(
            _(
                "JSON（“{kind}: [示例…]”的对象，或一个列表）、TXT（一行一条）、CSV（有“示例”“{kind}”两列，或只有一列）；没写{kind}的算“{style}”。每种多少条都行，造数时轮着用。",
                kind=style_word(),
                style=plain(style),
            )
        )
        form = f"bank-{recipe.key}"
        for upload in kept_files(_("示例文件"), FILE_TYPES, "bank_file", form=form, largest=8):
            with report_errors():
                rows = read_bank(recipe, upload.name, decoded(upload.getvalue()), style)
                _preview(recipe, rows)
                new = sum(row.status is Status.NEW for row in rows)
                label = _("加入 {n} 个新的", n=new)
                if st.button(label, key="bank_add", type="primary", icon="➕", disabled=not new):
                    title = _("从 {file} 加示例 {n} 条", file=upload.name, n=new)
                    save(add_bank(recipe, rows), title, lambda: forget_files(form))


def _preview(recipe: Recipe, rows: list[BankRow]) -> None:
    titles = status_titles()
    st.dataframe(
        {
            _("第几项"): [row.number for row in rows],
            _("结果"): [f"{STATUS_ICONS[row.status]} {titles[row.status]}" for row in rows],
            recipe.words.shown().style: [row.style for row in rows],
            _("内容"): [row.text for row in rows],
            _("说明"): [row.message for row in rows],
        },
        hide_index=True,
        width="stretch",
        height=min(38 * (len(rows) + 1), 320),
    )
