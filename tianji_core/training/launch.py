"""Starting a training, resuming it, and running it to its end inside a job."""

import contextlib
import os
import pkgutil
import secrets
import time
from pathlib import Path

from tianji_core import jobs
from tianji_core.dataset import training_file, verify
from tianji_core.errors import JobError, StudioError, TrainingError
from tianji_core.i18n import _
from tianji_core.jobs import JobSubject, Reporter
from tianji_core.model_folders.base import check_same_base, fingerprint
from tianji_core.model_folders.trust import runs_code
from tianji_core.ownership import new_folder
from tianji_core.store import datasets
from tianji_core.store import training as training_runs
from tianji_core.store.datasets import DatasetVersion
from tianji_core.store.training import TrainingRun
from tianji_core.training import engine, queue
from tianji_core.training.base_trials import check_trial
from tianji_core.training.child import run_tool, tool_environment
from tianji_core.training.commands import arguments, free_port, node_commands
from tianji_core.training.config import write_base, write_config
from tianji_core.training.data_checks import base_is_elsewhere
from tianji_core.training.learnt_pairs import pairs_count, pairs_hash
from tianji_core.training.load import Sampler, free_cards
from tianji_core.training.lock import card, starting
from tianji_core.training.mixed_data import MIX, read_mix, verify_mixed
from tianji_core.training.preflight import preflight
from tianji_core.training.presets import preset, preset_of
from tianji_core.training.profiles import VARIABLES
from tianji_core.training.progress import training_state, work_folder
from tianji_core.training.record import TrainingRecord, record_of
from tianji_core.training.saved import Checkpoint, drop_halves, keep_newest
from tianji_core.training.settings import TrainingSettings
from tianji_core.training.slurm import SlurmRequest, slurm_script
from tianji_core.training.target import Target, places_of
from tianji_core.training.varied_data import training_data
from tianji_core.training.verdict import failure_of
from tianji_core.workspace import Workspace, highest_number

CLIENT_VARIABLES = (
    "SSH_AUTH_SOCK",
    "SLURM_CONF",
    "KUBECONFIG",
    "SKYPILOT_API_SERVER_ENDPOINT",
    "SKYPILOT_GLOBAL_CONFIG",
)
"""Variables of this process that the clients of SSH, Slurm and SkyPilot need."""
NAN_PATIENCE = 5
"""Logged points in a row without a finite loss after which a training is ended: it cannot recover."""


class TrainingSubject(JobSubject):
    """The stored training that a job runs. ``then`` names the function that is called with the workspace and
    the training once it has succeeded (``module:function``, '' for none): a room above this one that
    continues with its checkpoints."""

    worker = "tianji_core.training.worker:train"

    training_run_id: int
    then: str = ""

    def go_on(self, workspace: Workspace, run: TrainingRun) -> None:
        """Calls what ``then`` names; its failure is said in the log: the training has succeeded all the
        same."""
        if not self.then:
            return
        try:
            pkgutil.resolve_name(self.then)(workspace, run)
        except StudioError as error:
            print(error, flush=True)


class ElsewhereSubject(TrainingSubject):
    """The stored training that runs at a place elsewhere and that a job follows. Its ``grace`` for the end is
    long: it stops the training there first, and answers may take their time."""

    worker = "tianji_core.training.places.following:follow"

    grace: float = 150.0


def prepare_training(
    workspace: Workspace,
    key: str,
    settings: TrainingSettings,
    version: DatasetVersion,
    title: str = "",
    target: Target | None = None,
    place: str = "",
) -> TrainingRun:
    """Check, store a training and write its config, without starting it. ``place`` names the place elsewhere
    where it is to run; then nothing of this machine is checked.

    Raises:
        TrainingError: something stops it; the message is the first reason.
    """
    chosen, target = preset(key, workspace), target or Target()
    checked = preflight(workspace, chosen, settings, version, target, elsewhere=bool(place))
    if not checked.ok:
        raise TrainingError(_("；").join(check.detail for check in checked.stops))
    settings = checked.settings
    places, count = places_of(target, chosen.device)
    record = TrainingRecord(
        settings=settings,
        target=target,
        place=place,
        bundle=f"{secrets.token_hex(8)}" if place else "",
        places=tuple(places),
        place_count=count,
        base_fingerprint="" if place and base_is_elsewhere(settings) else fingerprint(settings.base_folder),
        dataset_name=version.name,
        dataset_sha256=version.sha256,
        pairs_sha256=pairs_hash(workspace, settings.pairs),
        pairs_count=pairs_count(workspace, settings.pairs),
    )
    learnt = settings.pairs or version.name
    shown = title.strip() or _("{preset} · {dataset}", preset=_(chosen.title), dataset=learnt)
    last = highest_number(workspace.runs, "training-")
    run = training_runs.add(workspace.engine, shown, key, version.id, record.stored(), last)
    folder = new_folder(workspace.runs / f"training-{run.id}")
    data = training_data(workspace, version, settings, folder)
    write_config(chosen, settings, data, folder, checked.runs_code, training_file(workspace, version))
    return training_runs.change(
        workspace.engine,
        run.id,
        work_dir=str(folder.relative_to(workspace.home)),
        settings=record.model_copy(update={"mixed": read_mix(folder)}).stored(),
    )


def start_training(
    workspace: Workspace,
    key: str,
    settings: TrainingSettings,
    version: DatasetVersion,
    title: str = "",
    target: Target | None = None,
    then: str = "",
) -> TrainingRun:
    """Start a training as a job of its own and return at once; it waits in the queue while its place is
    taken. ``then`` as in :class:`TrainingSubject`.

    Raises:
        TrainingError: something stops it.
    """
    with starting(workspace):
        return begin(workspace, prepare_training(workspace, key, settings, version, title, target), then)


def resume_training(workspace: Workspace, run: TrainingRun) -> TrainingRun:
    """Resume a stopped or failed training from its newest checkpoint, or start one that has not begun.

    Raises:
        TrainingError: it runs or waits, is finished, or has no checkpoint. ModelError: its base is another
            one now.
    """
    with starting(workspace):
        run = training_runs.get(workspace.engine, run.id)  # another page may have resumed it meanwhile
        state = training_state(workspace, run)
        if state.active or state.orphaned:
            raise TrainingError(_("“{title}”还在训练", title=run.title))
        if state.finished:
            raise TrainingError(_("“{title}”已经训练完了；想再训练请新建一个训练", title=run.title))
        elsewhere = bool(record_of(run).place)
        if not state.checkpoints and state.points and not elsewhere:
            raise TrainingError(_("“{title}”没有检查点，只能重新训练", title=run.title))
        if not elsewhere:
            check_base(run)
        return begin(workspace, run, next_step_of(workspace, run))


def check_base(run: TrainingRun) -> None:
    """That the base of a stored training is still the one that its checkpoints belong to.

    Raises:
        ModelError: the folder holds another model now.
    """
    record = record_of(run)
    check_same_base(record.settings.base_folder, record.base_fingerprint)


def next_step_of(workspace: Workspace, run: TrainingRun) -> str:
    """The ``then`` of the job that trained last, '' where there is none any more."""
    with contextlib.suppress(JobError):
        job = jobs.get(workspace, run.job_id) if run.job_id is not None else None
        subject = jobs.subject_of(job, TrainingSubject) if job is not None else None
        return subject.then if subject is not None else ""
    return ""


def begin(workspace: Workspace, run: TrainingRun, then: str = "") -> TrainingRun:
    """Start the job of a stored training and put it into the queue; ``then`` as in :class:`TrainingSubject`.
    Hold :func:`starting` around the call. One at a place elsewhere is followed, or sent first."""
    if record_of(run).place:
        far = ElsewhereSubject(training_run_id=run.id, then=then)
        job = jobs.start_worker(workspace, "elsewhere", run.title, far, keys=CLIENT_VARIABLES)
        return training_runs.change(workspace.engine, run.id, job_id=job.id)
    subject = TrainingSubject(training_run_id=run.id, then=then)
    job = jobs.start_worker(workspace, "train", run.title, subject)
    queue.join(workspace, run.id)
    return training_runs.change(workspace.engine, run.id, job_id=job.id)


def version_of(workspace: Workspace, run: TrainingRun) -> DatasetVersion | None:
    """The dataset version a training learns from."""
    if run.dataset_version_id is None:
        return None
    return datasets.get(workspace.engine, run.dataset_version_id)


def resumed_from(workspace: Workspace, run: TrainingRun) -> Path | None:
    """The checkpoint from which the trainer resumes: the newest of the training, else the one it branched off
    at; None for a training from the beginning."""
    checkpoints = training_state(workspace, run).checkpoints
    origin = record_of(run).origin
    if checkpoints:
        return checkpoints[-1].path
    if origin is not None and origin.mode == "resume":
        return workspace.home / origin.checkpoint
    return None


def check_again(workspace: Workspace, run: TrainingRun) -> None:
    """Check again when a training's turn comes, which may be hours after it was set up.

    Raises:
        StudioError: dataset or base have changed or are gone.
    """
    if (version := version_of(workspace, run)) is not None:
        verify(workspace, version)
    folder, record = work_folder(workspace, run), record_of(run)
    # what came in a bundle was checked as it was unpacked
    if record.mixed is not None and (folder / MIX).is_file():
        verify_mixed(folder, record.mixed)
    if record.base_fingerprint or not record.place:
        check_base(run)


def make_ready(workspace: Workspace, run: TrainingRun) -> None:
    """Checks again and names the base in the config where it lies now; a base that only the place elsewhere
    sees is not looked at.

    Raises:
        StudioError: dataset or base have changed or are gone.
    """
    check_again(workspace, run)
    write_base(work_folder(workspace, run), record_of(run).settings.base_folder)


def _try_base(workspace: Workspace, run: TrainingRun, watch: "_Watch") -> None:
    """Tries the base before the training waits for its turn.

    Raises:
        TrainingError: the base cannot be trained. ModelError: nobody allowed its code.
    """
    settings = record_of(run).settings
    base = settings.base_folder
    watch.trying()
    check_trial(workspace, base, settings.template, runs_code(workspace, base))


def _variables(run: TrainingRun, resumed: Path | None) -> dict[str, str]:
    """The environment variables that only this training needs."""
    record = record_of(run)
    reads_checkpoint = resumed is not None or record.origin is not None
    return {
        **(VARIABLES if record.settings.profile else {}),
        **(engine.RESUME_VARIABLES if reads_checkpoint else {}),
    }


def _read_folders(workspace: Workspace, run: TrainingRun) -> list[Path]:
    """The folders that a training reads beside its work folder, and those that links among them lead to."""
    config = (work_folder(workspace, run) / engine.CONFIG_NAME).read_text(encoding="utf-8")
    base, data = record_of(run).settings.base_folder, engine.data_file(config)
    folders = [workspace.home, workspace.runs, workspace.models, base.absolute(), data.parent]
    folders += [folder.resolve() for folder in (*folders, data.resolve().parent)]
    return [folder for folder in dict.fromkeys(folders) if folder.is_dir()]


def by_hand(
    workspace: Workspace, run: TrainingRun, request: SlurmRequest = SlurmRequest()
) -> tuple[list[str], str]:
    """The command of each machine, that of the first machine first, and the Slurm script that asks
    ``request`` of the cluster: they train a stored run as its job would, from its newest checkpoint where
    there is one.

    Raises:
        TrainingError: the path of the work folder cannot stand in a Slurm script; or with a container, the
            config names no file to learn from.
    """
    chosen, target = preset_of(workspace, run), record_of(run).target
    work_dir, resumed = work_folder(workspace, run), resumed_from(workspace, run)
    variables = {**workspace.cache_variables(), **_variables(run, resumed)}
    mounts = _read_folders(workspace, run) if request.container else []
    script = slurm_script(chosen, target, work_dir, run.title, resumed, variables, request, mounts)
    return node_commands(chosen, target, work_dir, resumed, variables), script


def run_training(workspace: Workspace, run: TrainingRun, reporter: Reporter | None = None) -> Checkpoint:
    """Wait for the training's turn and train to the end, in this process's group; return the final
    checkpoint. Output goes to stdout, progress to the job's file.

    Raises:
        StudioError: the training failed; the message is the likely cause.
    """
    chosen, target = preset_of(workspace, run), record_of(run).target
    work_dir = work_folder(workspace, run)
    watch = _Watch(reporter or Reporter())
    first = [card(index) for index in range(target.processes)]  # where the driver cannot be asked
    _try_base(workspace, run, watch)
    hold = queue.take_turn(workspace, run, lambda: free_cards() or first, watch.waiting)
    try:
        make_ready(workspace, run)
        begun = record_of(run).model_copy(update={"held": hold.places, "began": time.time()})
        run = training_runs.change(workspace.engine, run.id, settings=begun.stored())
        environment = tool_environment(workspace, chosen.device)
        if chosen.device != "cpu":
            cards = [place.removeprefix("gpu") for place in hold.places]
            environment |= {"CUDA_DEVICE_ORDER": "PCI_BUS_ID", "CUDA_VISIBLE_DEVICES": ",".join(cards)}
        elif target.processes > 1:
            share = max(1, (os.cpu_count() or 1) // target.processes)
            environment.setdefault("OMP_NUM_THREADS", str(share))
        resumed = resumed_from(workspace, run)
        # The person's allocator settings take precedence; those that a resume needs do not yield.
        needed = _variables(run, resumed)
        environment = {**needed, **environment}
        if engine.RESUME_VARIABLES.keys() <= needed.keys():
            environment |= engine.RESUME_VARIABLES
            environment.pop("TORCH_FORCE_WEIGHTS_ONLY_LOAD", None)  # torch refuses both at once
        port = free_port() if target.nodes == 1 else None
        watch.loads()
        with Sampler(work_dir, hold.places, lambda: keep_newest(work_dir)):
            ended = run_tool(arguments(target, work_dir, resumed, port=port), environment, watch.line)
    finally:
        hold.release()
    drop_halves(work_dir)
    if reason := failure_of(ended, work_dir, record_of(run).settings):
        raise StudioError(reason)
    return training_state(workspace, run).checkpoints[-1]


class _Watch:
    """Turns the trainer's output into progress, and ends the trainer where the loss stays NaN."""

    def __init__(self, reporter: Reporter) -> None:
        self._reporter = reporter
        self._counting = False
        self._bad = 0

    def waiting(self, ahead: int) -> None:
        """Report how many trainings are before this one in the queue."""
        text = _("排队中，前面还有 {n} 个训练", n=ahead) if ahead else _("排队中，等它的位置空出来")
        print(text, flush=True)
        self._reporter.pause(text)

    def trying(self) -> None:
        """Report that the base is tried."""
        self._reporter.update(0, message=_("正在试跑基座"))

    def loads(self) -> None:
        """Report that the trainer starts."""
        self._reporter.pause("")
        self._reporter.update(0, message=_("正在加载模型和数据"))

    def line(self, line: str) -> bool:
        """Read one line of the trainer; returns whether it may go on."""
        step = engine.logged_step(line)
        if step is None:
            return True
        if not self._counting:
            # A new clock, so that loading the model does not count in the time per iteration.
            self._reporter.begin(step.total, _("步"), step.done)
            self._counting = True
        shown = "" if step.loss is None else _("损失 {loss}", loss=f"{step.loss:.3f}")
        self._reporter.update(step.done, total=step.total, message=shown)
        self._bad = self._bad + 1 if step.broken else 0
        return self._bad < NAN_PATIENCE
