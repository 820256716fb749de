"""Suggestions of further entries from a teacher; the ticked ones are saved as one revision."""

from collections.abc import Callable, Sequence

import streamlit as st

from pages.shared.frame import report_errors
from pages.shared.job_progress import follow_job
from pages.shared.kept import TYPED, held, kept_number, kept_text, store_value, stored_value
from pages.shared.teacher_pick import pick_teacher
from pages.shared.text import plain
from tianji_core import advice
from tianji_core.advice import ListKind, Question, Suggestion
from tianji_core.i18n import _
from tianji_core.recipe import Recipe
from tianji_core.workspace import Workspace

Save = Callable[[Recipe, str], None]


def suggest_box(
    workspace: Workspace, recipe: Recipe, kind: ListKind, title: str, save: Save, style: str = ""
) -> None:
    """Draws the request to a teacher, its progress, and the suggestions to tick."""
    table_key = f"suggested_{recipe.key}_{kind.value}_{style}"
    job = advice.suggesting_job(workspace, recipe.key, kind, style)
    running = job is not None and job.active
    suggestions: list[Suggestion] = []
    with report_errors():
        suggestions = [] if running else advice.load_suggestions(workspace, recipe, kind, style)
    with st.expander(_("让造数模型想几个"), icon="💡", expanded=running or bool(suggestions)):
        why = _("离线造句只会按语句表拼出成品，不会提建议；换一个接口模型再来。")
        choice = pick_teacher(workspace, f"suggest_{kind.value}", why)
        columns = st.columns([1, 4, 1], vertical_alignment="bottom")
        count = int(
            columns[0].number_input(
                _("几个"), 1, 50, 8, **kept_number(f"suggest_count_{kind.value}", 1, 50, 8)
            )
        )
        wish = columns[1].text_input(
            _("另外的要求（可不填）"),
            **kept_text(f"suggest_wish_{kind.value}"),
            placeholder=_("例如：多一些职场上的人"),
        )
        pressed = columns[2].button(
            _("去问"), key=f"suggest_{kind.value}", disabled=choice is None, width="stretch"
        )
        if pressed and choice is not None:
            question = Question(kind=kind, count=count, style=style, wish=wish)
            with report_errors():
                advice.start_suggesting(workspace, recipe.key, question, choice)
                st.rerun()
        if job is not None and job.active:
            follow_job(workspace, job.id, f"stop_suggest_{kind.value}")
            return
        if job is not None and job.note:
            st.error(plain(job.note), icon="⚠️")
        if not suggestions:
            return
        chosen = _ticked(suggestions, table_key)
        if st.button(
            _("加入勾选的 {n} 个", n=len(chosen)),
            key=f"suggest_take_{kind.value}",
            type="primary",
            icon="➕",
            disabled=not chosen,
        ):
            with report_errors():
                new = advice.with_suggestions(recipe, kind, chosen, style)
                store_value(TYPED, table_key, None)
                advice.forget_suggestions(workspace, recipe.key, kind, style)
                save(new, _("{title}采纳建议 {n} 个", title=title, n=len(chosen)))


def _note_left(widget: str, table_key: str, texts: Sequence[str], opened: Sequence[str]) -> None:
    """Callback: stores the suggestions that are not ticked; those in ``opened`` were not when the table was
    opened."""
    if not held(widget):
        return
    edits = st.session_state[widget]["edited_rows"]
    took = {at: edits.get(at, {}).get("take", text not in opened) for at, text in enumerate(texts)}
    store_value(TYPED, table_key, [text for at, text in enumerate(texts) if not took[at]] or None)


def _ticked(suggestions: list[Suggestion], table_key: str) -> list[Suggestion]:
    """Draws the suggestions and returns the ticked ones; those that cannot be added are listed below."""
    import pandas as pd

    usable = [s for s in suggestions if s.entry is not None]
    unusable = [s for s in suggestions if s.entry is None]
    widget = f"{table_key}_table_{hash(tuple(s.text for s in suggestions))}"
    stored = stored_value(TYPED, table_key)
    left = st.session_state.setdefault(f"_left_{widget}", stored if isinstance(stored, list) else [])
    frame = pd.DataFrame(
        {
            "take": [s.text not in left for s in usable],
            "text": [s.text for s in usable],
            "detail": [s.detail for s in usable],
        }
    )
    edited = st.data_editor(
        frame,
        key=widget,
        on_change=_note_left,
        args=(widget, table_key, [s.text for s in usable], left),
        hide_index=True,
        width="stretch",
        disabled=["text", "detail"],
        column_config={
            "take": st.column_config.CheckboxColumn(_("要"), width="small"),
            "text": st.column_config.TextColumn(_("建议"), width="medium"),
            "detail": st.column_config.TextColumn(_("说明"), width="large"),
        },
    )
    if unusable:
        st.caption(_("没有列出的 {n} 个：", n=len(unusable)))
        st.text("\n".join(f"{s.text}：{s.problem}" for s in unusable))
    return [s for s, take in zip(usable, edited["take"], strict=True) if take]
