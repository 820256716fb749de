"""Undo, redo and history of the recipe in use."""

from collections.abc import Callable

import streamlit as st

from pages.shared.clock import local_time
from pages.shared.frame import remember_notice, report_errors
from pages.shared.text import plain, signed
from pages.shared.visitors import reviewer_name
from tianji_core import review
from tianji_core.errors import StudioError
from tianji_core.i18n import _
from tianji_core.recipe import built_in_recipes
from tianji_core.store import recipes, samples
from tianji_core.store.recipes import StoredRecipe
from tianji_core.store.steps import Step
from tianji_core.workspace import Workspace


def undo_redo(workspace: Workspace, stored: StoredRecipe, done: Callable[[], None] | None = None) -> None:
    """Draws the button undo, and redo once something was undone, each with the change it takes back or
    repeats; ``done`` runs after either succeeds."""
    key, revision = stored.recipe.key, stored.revision
    back = recipes.undo_move(workspace.engine, key)
    again = recipes.redo_move(workspace.engine, key)
    for name, icon, shortcut, title, move, act, samples_too in (
        ("undo", "↩️", "z", _("撤销"), back, recipes.undo, review.undo_with_list),
        ("redo", "↪️", "y", _("重做"), again, recipes.redo, review.redo_with_list),
    ):
        if name == "redo" and move is None:
            continue
        help_ = _("{action}：{what}", action=title, what=move.note) if move else ""
        pressed = st.button(
            title,
            key=f"{name}_recipe",
            icon=icon,
            shortcut=shortcut,
            disabled=move is None,
            help=plain(help_) or None,
        )
        if pressed and move is not None:
            with report_errors():
                review.check_with_list(workspace, key, move.edit, undone=name == "redo")
                act(workspace.engine, key, revision)
                if done is not None:
                    done()
                remember_notice(_with_samples(help_, workspace, key, move.edit, samples_too))
                st.rerun()


def _with_samples(
    done: str,
    workspace: Workspace,
    key: str,
    edit: int,
    act: Callable[[Workspace, str, int], Step | None],
) -> str:
    """Returns what was ``done``, and what became of the samples that had followed the edit."""
    try:
        step = act(workspace, key, edit)
    except StudioError as error:
        return _("{done}；样本没有跟着：{error}", done=done, error=error)
    return done if step is None else _("{done}；{n} 条样本跟着", done=done, n=step.count)


def history_list(workspace: Workspace, stored: StoredRecipe, done: Callable[[], None]) -> None:
    """Draws the newest revisions, each with a button that restores it, and one for the built-in recipe."""
    key, revision = stored.recipe.key, stored.revision
    with st.expander(_("历史版本"), icon="🕘"):
        for entry in recipes.history(workspace.engine, key):
            line = st.columns([5, 1], vertical_alignment="center")
            shown = _(
                "第 {revision} 版 · {note} · {time}",
                revision=entry.revision,
                note=entry.note,
                time=local_time(entry.created_at),
            )
            line[0].write(plain(signed(shown, entry.who)))
            if entry.revision != revision and line[1].button(_("恢复"), key=f"restore_{entry.revision}"):
                _restore(workspace, key, entry.revision, revision, done)
        edited = revision and key in built_in_recipes()
        if edited and st.button(_("恢复内置版本"), key="restore_built_in"):
            _restore(workspace, key, 0, revision, done)


def _restore(workspace: Workspace, key: str, older: int, revision: int, done: Callable[[], None]) -> None:
    with report_errors():
        renamed = review.renames_of_restoring(workspace, key, older)
        recipes.restore(workspace.engine, key, older, revision)
        done()
        remember_notice(_("已恢复到第 {revision} 版", revision=older))
        for request in renamed:
            follow(workspace, key, request)
        st.rerun()


def follow(workspace: Workspace, recipe: str, request: review.RenameEntries) -> None:
    """Lets the samples follow a rename that is saved, many of them in the background."""
    chosen, who = review.samples_of(recipe, request.listing, request.renamed), reviewer_name(workspace)
    try:
        if samples.count(workspace.engine, chosen) > review.LARGE:
            job = review.start_bulk_edit(workspace, chosen, request, who)
            remember_notice(_("已保存；样本在后台跟着改名（任务 {id}）", id=job.id))
            return
        step = review.make_edit(workspace, review.rename_as_saved(workspace, recipe, request), who)
        if step is not None:
            remember_notice(_("已保存，{n} 条样本跟着改了名", n=step.count))
    except StudioError as error:
        remember_notice(_("列表已保存，样本没有跟着改名：{error}", error=error))
