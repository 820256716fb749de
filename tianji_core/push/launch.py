"""Plans a push and starts its job."""

from collections.abc import Iterable
from dataclasses import dataclass

from tianji_core import jobs
from tianji_core.errors import PushError
from tianji_core.i18n import _
from tianji_core.jobs import Job, JobSubject, duration_text
from tianji_core.model_folders.manifest import size_text
from tianji_core.models import artefact
from tianji_core.push.contents import PushFile, dataset_files, model_files, size_of
from tianji_core.push.licences import checked_licence, default_licence
from tianji_core.push.records import last_rate
from tianji_core.push.target import TOKENS, Kind, PushTarget, token_of
from tianji_core.store import datasets
from tianji_core.workspace import Workspace

KIND = "push"
USUAL_RATE = 10e6 / 8
"""Bytes per second of an upload line of 10 Mbit/s, for the estimate before the first push."""
_LOOK_BACK = 200


class PushSubject(JobSubject):
    """What is pushed, a model or a dataset version (``kind``) by its name, and where to."""

    kind: Kind
    item: str
    hub: str
    repo: str
    endpoint: str


class PushArguments(PushSubject):
    """``models`` names the model, so that nobody deletes it meanwhile."""

    worker = "tianji_core.push.worker:push_item"

    public: bool = False
    licence: str
    into_existing: bool = False
    models: tuple[str, ...] = ()


@dataclass(frozen=True)
class PushPlan:
    """What a push would send: ``files`` and ``size`` in bytes. ``seconds`` is an estimate; ``measured`` says
    whether it rests on the last push, else on a line of 10 Mbit/s."""

    files: tuple[str, ...]
    size: int
    seconds: float
    measured: bool


def files_of(workspace: Workspace, target: PushTarget, item: str, licence: str = "") -> list[PushFile]:
    """Returns the files of a push; ``licence`` '' stands for the default.

    Raises:
        ModelError, DatasetError, PushError: nothing of this name, or nothing that can be pushed.
    """
    chosen = _licence(workspace, target, item, licence)
    if target.kind == "dataset":
        return dataset_files(workspace, datasets.by_name(workspace.engine, item), target, chosen)
    return model_files(workspace, artefact(workspace, item), target, chosen)


def _licence(workspace: Workspace, target: PushTarget, item: str, licence: str) -> str:
    model = artefact(workspace, item) if target.kind == "model" else None
    return checked_licence(licence or default_licence(workspace, model))


def plan_push(workspace: Workspace, target: PushTarget, item: str, licence: str = "") -> PushPlan:
    """Returns what a push would send and how long it may take.

    Raises:
        ModelError, DatasetError, PushError: as :func:`files_of`.
    """
    files = files_of(workspace, target, item, licence)
    rate = last_rate(workspace, target.hub)
    size = size_of(files)
    return PushPlan(tuple(file.path for file in files), size, size / (rate or USUAL_RATE), rate > 0)


def plan_sentence(plan: PushPlan, target: PushTarget, public: bool) -> str:
    """Returns what a push will do, for the person who starts it."""
    basis = _("按上次的速度") if plan.measured else _("按 10 Mbit/s 的上传速度")
    who = _("公开：任何人都能看到和下载，收不回来") if public else _("私有：只有你和你给了权限的人能看到")
    return _(
        "{n} 个文件共 {size}，{basis}约 {time}，推到 {url}（{who}）",
        n=len(plan.files),
        size=size_text(plan.size),
        basis=basis,
        time=duration_text(max(1, plan.seconds)),
        url=target.url,
        who=who,
    )


def start_push(
    workspace: Workspace,
    target: PushTarget,
    item: str,
    public: bool = False,
    licence: str = "",
    into_existing: bool = False,
) -> Job:
    """Starts pushing a model or a dataset version, or continues an earlier attempt. The token stays in the
    environment; the job holds its variable's name at most.

    Raises:
        ModelError, DatasetError, PushError: as :func:`files_of`; no token; or a push to the same repository
            runs.
    """
    token_of(workspace, target.hub)
    chosen = _licence(workspace, target, item, licence)
    files_of(workspace, target, item, chosen)
    for job, subject in _pushes(workspace, active=True):
        if (subject.hub, subject.kind, subject.repo.lower()) == (
            target.hub,
            target.kind,
            target.repo.lower(),
        ):
            raise PushError(_("“{title}”正在进行，等它结束或先停止它", title=job.title))
    arguments = PushArguments(
        kind=target.kind,
        item=item,
        hub=target.hub,
        repo=target.repo,
        endpoint=target.endpoint,
        public=public,
        licence=chosen,
        into_existing=into_existing,
        models=(item,) if target.kind == "model" else (),
    )
    title = _("推送：{name} → {repo}", name=item, repo=target.repo)
    return jobs.start_worker(workspace, KIND, title, arguments, (TOKENS[target.hub],))


def push_job(workspace: Workspace, kind: Kind, item: str) -> Job | None:
    """Returns the newest push of a model or a dataset version, None where there was none."""
    for job, subject in _pushes(workspace, active=None):
        if (subject.kind, subject.item) == (kind, item):
            return job
    return None


def _pushes(workspace: Workspace, active: bool | None) -> Iterable[tuple[Job, PushSubject]]:
    for job in jobs.listed(workspace, active=active, kind=KIND, limit=_LOOK_BACK):
        subject = jobs.subject_of(job, PushSubject)
        if subject is not None:
            yield job, subject
