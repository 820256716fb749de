"""Trials: three tasks that are sent for real and not stored."""

import asyncio

import streamlit as st

from pages.generate.teacher_form import TeacherSetup
from pages.shared.frame import report_errors
from pages.shared.text import plain
from tianji_core.generation import Trial, dry_run
from tianji_core.i18n import _
from tianji_core.recipe import Plan, Recipe
from tianji_core.workspace import Workspace


def try_three(workspace: Workspace, recipe: Recipe, plan: Plan, setup: TeacherSetup, examples: int) -> None:
    """Sends three tasks and keeps the answers in this tab; nothing is stored."""
    with st.spinner(_("正在试写…")):
        st.session_state["trials"] = asyncio.run(
            dry_run(workspace, recipe, plan, setup.mix, setup.sampling, examples=examples)
        )


def show_trials() -> None:
    """Draws the answers of the last trial."""
    trials: list[Trial] = st.session_state.get("trials", [])
    if not trials:
        return
    st.markdown(_("**试写的三条**（不入库）"))
    for number, (column, trial) in enumerate(zip(st.columns(len(trials)), trials, strict=True)):
        with column, st.container(border=True):
            task = trial.brief.task
            st.markdown(f"**{plain(f'{task.name} × {task.scene} · {task.style}')}**")
            if trial.answer is not None:
                st.text(trial.answer.text)
                st.caption(
                    _(
                        "{teacher} · {chars} 字 · {seconds} 秒 · 训练输入：{input}",
                        teacher=plain(trial.teacher),
                        chars=len(trial.answer.text),
                        seconds=f"{trial.answer.latency:.1f}",
                        input=plain(trial.brief.input),
                    )
                )
            else:
                st.error(plain(trial.error), icon="⚠️")
            with st.expander(_("发出去的提示词"), key=f"trial_prompt_{number}"):
                if trial.brief.system:
                    st.caption(_("系统消息：{text}", text=plain(trial.brief.system)))
                st.code(trial.brief.prompt, language=None, wrap_lines=True)
    if st.button(_("收起"), key="hide_trials"):
        with report_errors():
            del st.session_state["trials"]
            st.rerun()
