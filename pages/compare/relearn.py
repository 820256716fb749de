"""再练一次: training a model further on its own best answers, chosen by checks and votes."""

import streamlit as st

from pages.shared.after_start import after_start, keep_after_start
from pages.shared.frame import report_errors
from pages.shared.job_progress import follow_job
from pages.shared.text import plain
from tianji_core.comparison import relearning
from tianji_core.comparison.relearning import RelearningPlan
from tianji_core.i18n import _
from tianji_core.recipe import Recipe
from tianji_core.store import votes
from tianji_core.store.votes import Vote
from tianji_core.workspace import Workspace


def relearn_part(workspace: Workspace, recipe: Recipe) -> None:
    """Draws how many votes are missing, the buttons that start a further training, its progress, and what
    came of the newest one."""
    known = {one.name: one.title for one in relearning.learnable_models(workspace)}
    st.caption(
        _(
            "模型把练过的题再答几遍，检查和票里的口味留下每题最好的一条，混些旧样本再练一遍，合并后和原来的模型做同一批没见过的题。"
        )
    )
    job = relearning.relearning_job(workspace)
    if job is not None and job.active:
        follow_job(workspace, job.id, "stop_relearn")
    elif not known:
        st.info(_("还没有可以接着练的模型：先在这里训练一个，再到模型页合并。"), icon="🧬")
    else:
        if job is not None and job.note:
            st.error(plain(job.note), icon="⚠️")
        cast = votes.listed(workspace.engine, recipe.key)
        spoken = tuple((vote.prompt, vote.chosen, vote.rejected, vote.outcome) for vote in cast)
        _start(workspace, recipe, known, _readiness(cast, spoken))
    result = relearning.newest_result(workspace, recipe.key)
    if result is not None:
        st.markdown("\n".join(f"- {plain(line)}" for line in relearning.result_lines(result)))


@st.cache_data(max_entries=8, show_spinner=False)
def _readiness(_votes: list[Vote], spoken: tuple[tuple[str, ...], ...]) -> relearning.Readiness:
    """How far the votes can be trusted, reckoned once for what was ``spoken``: it takes a second."""
    return relearning.readiness_of(_votes)


def _start(workspace: Workspace, recipe: Recipe, known: dict[str, str], ready: relearning.Readiness) -> None:
    line = st.columns([2, 1.5, 1.5], vertical_alignment="bottom")
    model = line[0].selectbox(
        _("哪个模型"), list(known), format_func=lambda name: known.get(name, name), key="relearn_model"
    )
    by_votes = line[1].button(
        _("用这些票再练一次"),
        key="relearn_by_votes",
        icon="🗳️",
        type="primary",
        width="stretch",
        disabled=not ready.enough,
    )
    by_checks = line[2].button(_("只按检查再练一次"), key="relearn_by_checks", icon="✅", width="stretch")
    follows = after_start("relearn")
    st.caption(plain(relearning.needed_text(ready)))
    if by_votes or by_checks:
        with report_errors():
            plan = RelearningPlan(model=str(model), recipe=recipe.key, by_votes=by_votes)
            job = relearning.start_relearning(workspace, plan)
            keep_after_start(workspace, "relearn", job.id, follows)
            st.rerun()
