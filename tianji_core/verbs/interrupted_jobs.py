"""What a job that Ctrl-C stopped kept, in one sentence. Imported where that happens: it takes the room of
training with it, which most verbs do without."""

from tianji_core import training
from tianji_core.errors import InterruptedWorkError
from tianji_core.i18n import _
from tianji_core.jobs import Job
from tianji_core.store import training as training_runs
from tianji_core.verbs.interruption import command_line
from tianji_core.workspace import Workspace


def interrupted_job(workspace: Workspace, job: Job) -> InterruptedWorkError:
    """Returns the error for a job that Ctrl-C stopped."""
    sentence = _("“{title}”已停止：{kept}", title=job.title, kept=_of_job(workspace, job))
    return InterruptedWorkError(sentence)


def _of_job(workspace: Workspace, job: Job) -> str:
    subject, again = job.subject, _("同一个命令再运行一次就接着做")
    if "knowledge_run_id" in subject:
        command = command_line(f"knowledge --resume {subject['knowledge_run_id']}")
        return _("已经收到的回答都在；接着做：{command}", command=command)
    if "imitation_run_id" in subject:
        command = command_line(f"imitate --resume {subject['imitation_run_id']}")
        return _("已经收到的回答都在；接着做：{command}", command=command)
    if job.kind == "generate":
        command = command_line(f"generate --resume {subject.get('run_id')}")
        return _("已经收到的回答都在；接着做：{command}", command=command)
    if job.kind == "train":
        return _of_training(workspace, subject["training_run_id"])
    if job.kind == "elsewhere":
        command = command_line(f"train --resume {subject['training_run_id']}")
        return _("那边存下的检查点都在；接着训练：{command}", command=command)
    if job.kind == "experiment":
        command = command_line(f"experiment --resume {subject.get('experiment')}")
        return _("做完的训练都在；接着做：{command}", command=command)
    kept = {
        "judge": _("已经打好的分都在；"),
        "follow": _("已经问到的都在；"),
        "vote": _("已经投出的票都在；"),
        "sweep": _("已经测完的检查点都在；"),
        "import": _("已经导入的都在，不会重复导入；"),
        "download": _("已经下载的部分都在；"),
        "read": _("读完的文件都在；"),
        "push": _("对方已经收到的文件不会再传；"),
    }.get(job.kind, "")
    return kept + again if kept else _("没有留下做了一半的东西；要做的话再运行一次同一个命令")


def _of_training(workspace: Workspace, number: int) -> str:
    state = training.training_state(workspace, training_runs.get(workspace.engine, number))
    if state.points and not state.checkpoints:
        return _("还没有存下检查点，曲线和日志都在；要训练的话再运行一次同一个命令")
    command = command_line(f"train --resume {number}")
    return _("存下的检查点都在；接着训练：{command}", command=command)
