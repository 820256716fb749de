"""检查点扫描: the answers of every checkpoint of one training compared, and taking one checkpoint."""

from typing import Literal

import streamlit as st

from pages.compare.probe_editor import probe_editor
from pages.compare.sweep_chart import both_line, recommendation, sweep_figure
from pages.shared.cell_words import style_words
from pages.shared.failing_top_up import failing_button, show_top_up_results
from pages.shared.forgetting import show_memory
from pages.shared.frame import asked_number, remember_notice, report_errors
from pages.shared.job_progress import follow_job
from pages.shared.kept import kept_number
from pages.shared.linked_model import chat_button
from pages.shared.text import plain
from tianji_core import models
from tianji_core.evaluation import MeasuredAnswers
from tianji_core.evaluation.sweep import (
    Sweep,
    SweepPlan,
    SweepPoint,
    best_point,
    good_at_both,
    learnt_styles,
    load_sweep,
    start_sweep,
    sweep_job,
    swept_runs,
    with_topped_up,
)
from tianji_core.i18n import _
from tianji_core.store.recipes import StoredRecipe
from tianji_core.store.training import TrainingRun
from tianji_core.workspace import Workspace


def sweep_part(workspace: Workspace, stored: StoredRecipe) -> None:
    """Draws the start of a sweep, its progress, its result and the choice of a checkpoint."""
    runs = {run.id: run for run in swept_runs(workspace)}
    if not runs:
        st.info(
            _("还没有检查点可以扫描。先训练一次：每隔几步存一个检查点，扫描就能告诉你停在哪一步最好。"),
            icon="📈",
        )
        st.page_link("pages/train/page.py", label=_("去训练"), icon="🏋️")
        return
    linked = asked_number("run")
    keys = list(runs)
    run_id = st.selectbox(
        _("哪次训练"),
        keys,
        index=keys.index(linked) if linked in runs else 0,
        format_func=lambda key: runs[key].title if key in runs else str(key),
        key="sweep_run",
    )
    run = runs[run_id]
    job = sweep_job(workspace, run.id)
    active = job is not None and job.active
    if job is not None and job.active:
        follow_job(workspace, job.id, "stop_sweep")
    elif job is not None and job.note:
        st.error(plain(job.note), icon="⚠️")
    sweep = load_sweep(workspace, run.id)
    if sweep is None or not sweep.points:
        if not active:
            _start(workspace, stored, run, "primary")
        probe_editor(workspace)
        st.caption(
            _("扫描会把基座装载一次，再逐个换上检查点，回答同一批留出的问题；可以随时停，再点就接着扫。")
        )
        return
    _result(workspace, run, sweep)
    with st.expander(_("再扫一次：换风格、题数、遗忘探针的题目"), icon="📈", key="sweep_again"):
        if not active:
            _start(workspace, stored, run, "secondary")
        probe_editor(workspace)


def _start(
    workspace: Workspace, stored: StoredRecipe, run: TrainingRun, kind: Literal["primary", "secondary"]
) -> None:
    earlier = load_sweep(workspace, run.id)
    before = earlier.plan if earlier is not None else None
    known = [s.text for s in stored.recipe.styles if s.enabled]
    line = st.columns([4, 1, 1, 1.4], vertical_alignment="bottom")
    styles = line[0].multiselect(
        _("考哪些{kinds}（不选就是学过的）", kinds=style_words()),
        known,
        [style for style in (before.styles if before else ()) if style in known],
        key=f"sweep_styles_{run.id}",
        placeholder=_("学过的{kinds}", kinds=style_words()),
    )
    first, second = (before.limit, before.texts) if before else (60, 200)
    limit = line[1].number_input(
        _("题数"), 1, 2000, first, **kept_number(f"sweep_limit_{run.id}", 1, 2000, first)
    )
    texts = line[2].number_input(
        _("验证文本"), 0, 5000, second, **kept_number(f"sweep_texts_{run.id}", 0, 5000, second)
    )
    if line[3].button(_("扫描检查点"), key="sweep_start", icon="📈", type=kind, width="stretch"):
        with report_errors():
            plan = SweepPlan(
                run_id=run.id,
                recipe=stored.recipe.key,
                revision=stored.revision,
                styles=tuple(styles) or learnt_styles(workspace, stored.recipe, run),
                limit=int(limit),
                texts=int(texts),
                in_doubt=min(2000, 4 * int(limit)),
            )
            start_sweep(workspace, with_topped_up(workspace, stored.recipe, plan))
            st.rerun()


def _result(workspace: Workspace, run: TrainingRun, sweep: Sweep) -> None:
    best = best_point(sweep.points)
    if best is not None:
        st.success(recommendation(sweep, best), icon="🎯")
    if (advice := good_at_both(sweep)) is not None:
        (st.success if advice.both else st.warning)(both_line(advice), icon="🧠")
    if best is not None:
        _use(workspace, run, sweep, best)
    told = [memory for point in sweep.points if (memory := sweep.memory(point.iteration)) is not None]
    if told:
        show_memory(told[-1])
    st.plotly_chart(sweep_figure(sweep, best), key="sweep_chart", config={"displayModeBar": False})
    if all(point.perplexity is None for point in sweep.points):
        st.caption(_("没有困惑度：这次训练的数据集版本没有留验证集。冻结时留出 5% 左右，下次就有。"))
    st.dataframe(
        [
            {
                _("步"): _("训练前") if point.iteration == 0 else str(point.iteration),
                _("通过率"): f"{point.passed:.0%}",
                _("95% 区间"): f"{point.low:.0%}–{point.high:.0%}",
                _("照抄"): "—" if point.copied is None else f"{point.copied:.0%}",
                _("原来会的"): _kept(sweep, point),
                _("困惑度"): "—" if point.perplexity is None else f"{point.perplexity:.3f}",
                _("题数"): str(point.count),
                _("用时（秒）"): f"{point.seconds:.0f}",
            }
            for point in sweep.points
        ],
        hide_index=True,
        width="stretch",
        key="sweep_table",
    )
    with st.expander(_("各步的答案")):
        for at, (request, _answer, _passed) in enumerate(sweep.points[0].examples):
            st.markdown(f"**{plain(request)}**")
            for point in sweep.points:
                sign = "✓" if point.examples[at][2] else "✗"
                name = _("训练前") if point.iteration == 0 else _("第 {n} 步", n=point.iteration)
                st.markdown(f"- {sign} {name}：{plain(point.examples[at][1])}")
    if best is not None:
        show_top_up_results(workspace, run)
        answers = MeasuredAnswers(source=run.title, outcomes=best.outcomes, training_run_id=run.id)
        failing_button(workspace, sweep.plan.recipe, answers, f"sweep_{run.id}")


def _kept(sweep: Sweep, point: SweepPoint) -> str:
    memory = sweep.memory(point.iteration)
    return "—" if memory is None else f"{memory.kept}/{memory.known}"


def _use(workspace: Workspace, run: TrainingRun, sweep: Sweep, best: SweepPoint) -> None:
    steps = [point.iteration for point in sweep.points if point.iteration]
    line = st.columns([2, 2, 2], vertical_alignment="bottom")
    step = line[0].selectbox(
        _("用哪一步"),
        steps,
        index=steps.index(best.iteration),
        format_func=lambda n: _("第 {n} 步", n=n),
        key=f"sweep_step_{run.id}_{best.iteration}",
    )
    made = [
        model
        for model in models.loadable(workspace)
        if model.training_run_id == run.id and model.checkpoint == step
    ]
    with line[1]:
        if made:
            chat_button(workspace, made[-1].name, _("和它对话"), "sweep_talk", "primary", any_form=True)
        elif st.button(_("用这个检查点"), key="sweep_use", icon="🧩", type="primary", width="stretch"):
            with report_errors():
                models.start_convert(workspace, run, step)
                remember_notice(_("正在转成适配器，完成后在模型页和对话页就能选它"))
                st.rerun()
    if line[2].button(_("转换并合并"), key="sweep_merge", icon="🧬", width="stretch"):
        with report_errors():
            models.start_convert_and_merge(workspace, run, step)
            remember_notice(_("正在转换并合并，完成后在模型页和对话页就能选它"))
            st.rerun()
