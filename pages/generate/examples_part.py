"""A person's own messages as examples of a style: documents, the likely texts to tick, and adding them.
Nothing is sent anywhere."""

import hashlib

import pandas as pd
import streamlit as st

from pages.generate.reading import document_files, documents_read, names_replaced
from pages.shared.frame import current_recipe, remember_notice, reopen_recipe, report_errors
from pages.shared.kept import TYPED, held, kept, store_value, stored_value
from pages.shared.teacher_numbers import FORM
from pages.shared.text import plain
from pages.shared.usable import among
from tianji_core.cleaning.likely_examples import FoundExamples, LikelyExample, examples_in
from tianji_core.generation.knowledge import Document
from tianji_core.i18n import _, language
from tianji_core.recipe import MOST_EXAMPLES, Recipe
from tianji_core.recipe.example_banks import add_bank
from tianji_core.recipe.model import Style
from tianji_core.store import recipes
from tianji_core.workspace import Workspace


def examples_part(workspace: Workspace) -> None:
    """Draws the documents, the style, and the texts that may be its examples."""
    stored = current_recipe()
    recipe = stored.recipe
    kind = recipe.words.shown().style
    st.caption(
        _(
            "放进自己以前写给别人的话，从中挑出像的，当“{kind}”的示例；都在本机做，什么都不发出去，只有录音要先选谁来转写。",
            kind=plain(kind),
        )
    )
    with report_errors():
        left, right = st.columns(2, gap="large")
        with left:
            files = document_files()
        with right:
            style = _style(recipe, kind)
        documents = documents_read(workspace, files)
        if documents is None or style is None:
            return
        told = _(
            "邮件和聊天记录里写信人、收信人和发言人的名字、电话、邮箱、证件号、卡号、地址、链接在读进来时就已经换成了代号；录音转写出来的文字也换掉电话、号码和地址，但说到的名字认不出来；别的名字写在这里，会换成“某某”。下面列出的就是会存进配方的文字。"
        )
        documents = names_replaced(documents, told)
        if not documents:
            st.info(_("放进一个或几个文件，就能看到里面哪些话可以当示例。"), icon="📄")
            return
        found = _found(recipe, recipe.key, stored.revision, style.text, documents, language())
        _told_of(found)
        if not found.likely:
            return
        chosen = _ticked(found.likely, f"examples_of_{recipe.key}_{style.text}")
        label = _("把勾选的 {n} 条加进“{style}”", n=len(chosen), style=plain(style.text))
        if st.button(label, key="add_examples", type="primary", icon="➕", disabled=not chosen):
            what = _("从资料给“{style}”加示例 {n} 条", style=style.text, n=len(chosen))
            new = add_bank(recipe, [each.row for each in chosen])
            recipes.save(workspace.engine, new, stored.revision, what)
            reopen_recipe("lists")
            remember_notice(_("已保存：{what}", what=what))
            st.rerun()


def _style(recipe: Recipe, kind: str) -> Style | None:
    """Draws the choice of the style, and what examples it has and takes."""
    names = [style.text for style in recipe.styles]
    chosen = st.selectbox(
        plain(kind), names, **kept(FORM, "example_style", among(names), None, f"example_style_{recipe.key}")
    )
    style = recipe.style(chosen or "")
    if style is not None:
        st.caption(
            _(
                "现在有 {n} 条示例，每条应当是 {low}-{high} 字；总数没有上限，每次请求轮着用，最多放 {most} 条。",
                n=len(style.examples),
                low=style.min_chars,
                high=style.max_chars,
                most=MOST_EXAMPLES,
            )
        )
        st.page_link("pages/lists/page.py", label=_("到列表页看和改示例"), icon="📋")
    return style


@st.cache_data(max_entries=8, show_spinner=False)
def _found(
    _recipe: Recipe, key: str, revision: int, style: str, documents: list[Document], language: str
) -> FoundExamples:
    return examples_in(_recipe, style, documents)


def _told_of(found: FoundExamples) -> None:
    """Draws how many texts are offered and how many were left out, and why."""
    said = [_("{n} 条可能是，最像的在前面", n=f"{len(found.likely):,}")]
    if found.known:
        said.append(_("{n} 条重复或已经有了", n=f"{found.known:,}"))
    if found.unlike:
        said.append(_("{n} 条不像写给人的话，或长短差得远", n=f"{found.unlike:,}"))
    if found.more:
        said.append(_("还有 {n} 条没有列出：先加这些，或把资料拆小", n=f"{found.more:,}"))
    st.caption(" · ".join(said))


def _name(text: str) -> str:
    """A short name of a text: a draft holds which ones a person ticked, not what they say."""
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:12]


def _note_turned(widget: str, table_key: str, taken: dict[str, bool], opened: list[str]) -> None:
    """Callback: stores the texts whose tick a person has turned; those in ``opened`` were turned when the
    table was opened, with the ticks ``taken`` by the texts' names."""
    if not held(widget):
        return
    edits, turned = st.session_state[widget]["edited_rows"], set(opened)
    for at, (name, was) in enumerate(taken.items()):
        if edits.get(at, {}).get("take", was) != was:
            turned ^= {name}
    store_value(TYPED, table_key, sorted(turned) or None)


def _ticked(likely: tuple[LikelyExample, ...], table_key: str) -> list[LikelyExample]:
    """Draws the texts with a tick each and returns the ticked ones; at first those that are sure are."""
    texts = [each.row.text for each in likely]
    widget = f"{table_key}_{_name(chr(0).join(texts))}"
    stored = stored_value(TYPED, table_key)
    turned = st.session_state.setdefault(f"_turned_{widget}", stored if isinstance(stored, list) else [])
    taken = {_name(text): each.sure for text, each in zip(texts, likely, strict=True)}
    taken = {name: sure != (name in turned) for name, sure in taken.items()}
    columns: dict[str, list[object]] = {
        "take": list(taken.values()),
        "text": list(texts),
        "by": [each.by for each in likely],
        "note": [each.row.message or ("" if each.sure else _("拿不准，看一眼")) for each in likely],
    }
    if not any(columns["by"]):
        del columns["by"]
    edited = st.data_editor(
        pd.DataFrame(columns),
        key=widget,
        on_change=_note_turned,
        args=(widget, table_key, taken, turned),
        hide_index=True,
        width="stretch",
        row_height=70,  # for two lines of a text
        disabled=["text", "by", "note"],
        column_config={
            "take": st.column_config.CheckboxColumn(_("要"), width="small"),
            "text": st.column_config.TextColumn(_("内容"), width="large"),
            "by": st.column_config.TextColumn(_("谁写的"), width="small"),
            "note": st.column_config.TextColumn(_("说明"), width="medium"),
        },
    )
    return [each for each, take in zip(likely, edited["take"], strict=True) if take]
