"""Starts a further training as a background job, and says whether the votes are enough for it."""

from tianji_core import jobs, models
from tianji_core.comparison.relearning.results import RelearningPlan
from tianji_core.comparison.relearning.taste import Readiness, readiness_of
from tianji_core.errors import InputError, JobError, ModelError
from tianji_core.i18n import _
from tianji_core.jobs import Job, JobSubject
from tianji_core.model_folders.manifest import Artefact
from tianji_core.store import recipes, votes
from tianji_core.workspace import Workspace

KIND = "relearn"


class RelearningSubject(JobSubject):
    """The model that learns from its own best answers, and how; ``models`` names it for those who would
    delete it meanwhile."""

    worker = "tianji_core.comparison.relearning.worker:relearn"

    models: tuple[str, ...]
    plan: RelearningPlan


def learnable_models(workspace: Workspace) -> list[Artefact]:
    """Returns the models that can learn further, newest first: merged ones that were trained here."""
    known = [one for one in models.artefacts(workspace) if one.kind == "merged"]
    return sorted(
        (one for one in known if one.training_run_id is not None),
        key=lambda one: one.created_at,
        reverse=True,
    )


def readiness(workspace: Workspace, recipe: str) -> Readiness:
    """Returns whether the people's votes on a recipe's answers can choose among new answers."""
    return readiness_of(votes.listed(workspace.engine, recipe))


def start_relearning(workspace: Workspace, plan: RelearningPlan) -> Job:
    """Starts a job that samples, chooses, trains, merges and compares, and returns it.

    Raises:
        ModelError: there is no such model, or it is not a merged one that was trained here.
        InputError: the votes are to choose and are too few. JobError: such a job is running.
    """
    learner(workspace, plan.model)
    recipes.current(workspace.engine, plan.recipe)
    if plan.by_votes and not (ready := readiness(workspace, plan.recipe)).enough:
        raise InputError(needed_text(ready))
    if (running := relearning_job(workspace)) is not None and running.active:
        raise JobError(_("“{title}”正在跑，等它结束或先停止它", title=running.title))
    title = _("{model} 用自己的好答案再练一次", model=plan.model)
    return jobs.start_worker(workspace, KIND, title, RelearningSubject(models=(plan.model,), plan=plan))


def needed_text(ready: Readiness) -> str:
    """Returns how many votes are missing, as a sentence."""
    if ready.needed is None:
        return _("{n} 票里看不出共同的口味，再多票也挑不出更好的答案；可以只按检查再练一次", n=ready.clicks)
    if ready.needed:
        return _("现在有 {n} 票，大约还要 {more} 票才挑得出更好的答案", n=ready.clicks, more=ready.needed)
    return _(
        "{n} 票够了：用一部分票学到的口味，猜对了其余票的 {share}",
        n=ready.clicks,
        share=f"{ready.accuracy or 0:.0%}",
    )


def learner(workspace: Workspace, name: str) -> Artefact:
    """Returns the model of that name.

    Raises:
        ModelError: there is none, or it is not a merged one that was trained here.
    """
    found = models.artefact(workspace, name)
    if found.kind != "merged" or found.training_run_id is None:
        raise ModelError(
            _("“{name}”不能接着练：要的是在这里训练并合并出来的模型，先在模型页合并适配器", name=name)
        )
    return found


def relearning_job(workspace: Workspace) -> Job | None:
    """Returns the newest job of this kind, None where there is none."""
    return next(iter(jobs.listed(workspace, kind=KIND)), None)
