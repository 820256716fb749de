"""造数: choose a teacher and a plan, see the estimate, try three tasks, start; follow running and past runs."""

import streamlit as st

from pages.generate.following import following_part
from pages.generate.imitation import imitation_part
from pages.generate.knowledge import knowledge_part
from pages.generate.plan_estimate import show_estimate
from pages.generate.plan_form import option_picker, plan_cells, plan_form, style_picker
from pages.generate.provider_form import provider_form
from pages.generate.run_list import run_list
from pages.generate.run_options import options_form
from pages.generate.run_view import show_run
from pages.generate.teacher_form import teacher_form
from pages.generate.trials import show_trials, try_three
from pages.shared.after_start import after_start, keep_after_start
from pages.shared.cell_words import style_words
from pages.shared.frame import asked_number, current_recipe, remember_notice, report_errors
from pages.shared.header import page_header
from tianji_core.generation import create_run, start_generation
from tianji_core.i18n import _

workspace = page_header(
    "generate",
    _("造数"),
    _(
        "让造数模型按配方写：选模型、选{kinds}、看估算、试写三条，然后开始。写好一条存一条。",
        kinds=style_words(),
    ),
)
recipe = current_recipe().recipe

WISHES, KNOWLEDGE, IMITATION, FOLLOWING = "wishes", "knowledge", "imitation", "following"
PARTS = {
    WISHES: _("按配方写"),
    IMITATION: _("照着写"),
    FOLLOWING: _("追问"),
    KNOWLEDGE: _("用资料"),
}


def wishes_part() -> None:
    """Draws the run in the address, the form of a new run, and the list of runs."""
    run_id = asked_number("run")
    if run_id is not None:
        show_run(workspace, run_id)

    with report_errors():
        what, who, much = st.columns([10, 9, 9], gap="medium")
        with what:
            st.markdown(_("**1 写什么**"))
            styles = style_picker(workspace, recipe)
            chosen = option_picker(recipe)
            cells = plan_cells(recipe)
        with who:
            st.markdown(_("**2 谁来写**"))
            setup = teacher_form(workspace)
            provider_form(workspace, setup.provider)
        with much:
            st.markdown(_("**3 写多少**"))
            plan = plan_form(recipe, styles, cells, chosen)
            options = options_form(workspace, setup)
            number = show_estimate(workspace, recipe, plan, setup, options)
            begin = st.button(
                _("开始造数（{n} 条）", n=f"{number:,}"),
                key="start_run",
                type="primary",
                icon="✨",
                disabled=number == 0,
                width="stretch",
            )
            trial = st.button(_("试写三条"), key="dry_run", icon="🧪", disabled=number == 0, width="stretch")
            wanted = after_start("generate")
        if plan is not None and begin:
            run = create_run(
                workspace, recipe.key, plan, setup.mix, setup.sampling, setup.concurrency, options=options
            )
            job = start_generation(workspace, run.id)
            keep_after_start(workspace, "generate", job.id, wanted)
            st.query_params["run"] = str(run.id)
            remember_notice(_("已开始：{title}", title=job.title))
            st.rerun()
        if plan is not None and trial:
            try_three(workspace, recipe, plan, setup, options.examples)
        show_trials()

    st.divider()
    with report_errors():
        run_list(workspace, recipe.key)


linked = st.query_params.get("part", WISHES)
part = st.segmented_control(
    _("造什么"),
    list(PARTS),
    default=linked if linked in PARTS else WISHES,
    format_func=lambda name: PARTS[name],
    key="part",
    label_visibility="collapsed",
)
if part and part != linked:
    st.query_params["part"] = part
if part == KNOWLEDGE:
    knowledge_part(workspace, recipe)
elif part == IMITATION:
    imitation_part(workspace, recipe)
elif part == FOLLOWING:
    following_part(workspace, recipe)
else:
    wishes_part()
