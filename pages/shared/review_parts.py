"""Parts that every view of the review shares: checking new samples, progress, undo, results of callbacks."""

from collections.abc import Callable, Mapping

import streamlit as st

from pages.shared.text import plain
from tianji_core import cleaning
from tianji_core.errors import StudioError
from tianji_core.i18n import _, filled
from tianji_core.review import default_keys
from tianji_core.roles import Role, permitted
from tianji_core.store import findings, steps
from tianji_core.store.samples import ACCEPTED, PENDING, REJECTED
from tianji_core.store.steps import Step
from tianji_core.workspace import Workspace

_CHECK_BATCH = 2000


def check_with_progress(workspace: Workspace, recipe_key: str) -> None:
    """Checks the new samples by the rules, with a progress bar where there are many."""
    cleaning.forget_outdated(workspace, recipe_key)
    waiting = findings.unchecked_count(workspace.engine, recipe_key)
    if not waiting:
        cleaning.compare_all(workspace, recipe_key)
        return
    bar = st.progress(0.0) if waiting > _CHECK_BATCH else None

    def show(done: int, _all: int) -> None:
        if bar is not None:
            shown = _("正在检查新样本：{done} / {waiting}", done=done, waiting=waiting)
            bar.progress(min(1.0, done / waiting), text=shown)

    # Samples that arrive meanwhile are checked the next time.
    cleaning.check_new(workspace, recipe_key, limit=waiting, progress=show)
    if bar is not None:
        bar.progress(1.0, text=_("正在互相比较"))
    cleaning.compare_all(workspace, recipe_key)
    if bar is not None:
        bar.empty()


def check_changed(workspace: Workspace, recipe_key: str) -> None:
    """Checks the edited samples by the rules. Comparing them with all other samples takes longer and is
    done when the whole page is drawn next."""
    if waiting := findings.unchecked_count(workspace.engine, recipe_key):
        cleaning.check_new(workspace, recipe_key, limit=min(waiting, _CHECK_BATCH))


def say_error(error: StudioError) -> None:
    """Callback: stores an error for :func:`show_outcome`."""
    st.session_state["_review_error"] = str(error)


def say_done(text: str) -> None:
    """Callback: stores a notice for :func:`show_outcome`."""
    st.session_state["_review_done"] = text


def attempt(action: Callable[[], Step | None], nothing: str = "", quiet: bool = False) -> bool:
    """Runs a reviewer's action in a callback; :func:`show_outcome` shows its error or, unless ``quiet``, its
    title. Returns whether it succeeded."""
    try:
        with permitted(Role.REVIEWER):
            step = action()
    except StudioError as error:
        say_error(error)
        return False
    if not quiet:
        say_done(step.title if step is not None else nothing)
    return True


def show_outcome() -> None:
    """Shows the error or notice of the last callback once."""
    if error := st.session_state.pop("_review_error", None):
        st.error(plain(error), icon="⚠️")
        if typed := st.session_state.pop("_review_typed", None):
            st.caption(_("你刚才写的内容（可以复制）："))
            st.code(typed, language=None, wrap_lines=True)
    if done := st.session_state.pop("_review_done", None):
        st.toast(plain(done), icon="✅")


def progress_line(counts: Mapping[str, int]) -> None:
    """Draws the progress of the review."""
    total = sum(counts.values())
    reviewed = total - counts[PENDING]
    said = filled(
        progress_words(),
        reviewed=reviewed,
        total=total,
        accepted=counts[ACCEPTED],
        rejected=counts[REJECTED],
        pending=counts[PENDING],
    )
    with st.container(key="review_progress"):
        st.progress(reviewed / total if total else 0.0, text=said)


def progress_words() -> str:
    """Returns the text of the progress, its numbers left open."""
    return _("已审 {reviewed} / {total} · 采用 {accepted} · 弃用 {rejected} · 待审 {pending}")


ShowSample = Callable[[int], None]
"""Shows the sample with this number."""


def undo_buttons(
    workspace: Workspace,
    recipe_key: str,
    who: str = "",
    keys: Mapping[str, str] | None = None,
    show: ShowSample | None = None,
    brief: bool = False,
) -> None:
    """Draws undo and redo, each with the step it would take, of one person's steps or of everybody's; where
    they are to be ``brief`` in their tooltips."""
    with st.container(horizontal=True, gap="small", width="content"):
        undo_button(workspace, recipe_key, who, keys, show, brief)
        redo_button(workspace, recipe_key, who, keys, show, brief)


def undo_button(
    workspace: Workspace,
    recipe_key: str,
    who: str = "",
    keys: Mapping[str, str] | None = None,
    show: ShowSample | None = None,
    brief: bool = False,
) -> None:
    """Draws the button that takes back the newest step, which it names, where it is to be ``brief`` in its
    tooltip. ``show`` is then called where the step changed one sample."""
    last = steps.last(workspace.engine, recipe_key, who)
    st.button(
        _("撤销：{title}", title=plain(last.title)) if last and not brief else _("撤销"),
        key="undo",
        help=plain(last.title) if last else None,
        icon=":material/undo:",
        shortcut=(keys or default_keys())["undo"],
        disabled=last is None,
        on_click=_move,
        args=(workspace, lambda: steps.undo(workspace.engine, recipe_key, who), show),
    )


def redo_button(
    workspace: Workspace,
    recipe_key: str,
    who: str = "",
    keys: Mapping[str, str] | None = None,
    show: ShowSample | None = None,
    brief: bool = False,
) -> None:
    """Draws the button that takes the newest step that was undone again, once there is one; it names the
    step, where it is to be ``brief`` in its tooltip."""
    again = steps.next_redo(workspace.engine, recipe_key, who)
    if again is None:
        return
    st.button(
        _("重做") if brief else _("重做：{title}", title=plain(again.title)),
        key="redo",
        help=plain(again.title),
        icon=":material/redo:",
        shortcut=(keys or default_keys())["redo"],
        on_click=_move,
        args=(workspace, lambda: steps.redo(workspace.engine, recipe_key, who), show),
    )


def _move(workspace: Workspace, action: Callable[[], Step | None], show: ShowSample | None) -> None:
    """Callback: undoes or redoes a step and shows the sample that it changed, if it was one."""
    moved: list[Step | None] = []

    def taken() -> Step | None:
        moved.append(action())
        return moved[0]

    if attempt(taken) and show is not None and moved[0] is not None:
        sample_id = steps.only_sample(workspace.engine, moved[0])
        if sample_id is not None:
            show(sample_id)
