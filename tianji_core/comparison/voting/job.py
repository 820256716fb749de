"""Starts a teacher's votes as a background job, and estimates what they cost."""

from dataclasses import dataclass

from tianji_core import jobs
from tianji_core.comparison.board import Board
from tianji_core.comparison.voting.pairs import judge_name, open_pairs, usage_of
from tianji_core.dispatch import Usage
from tianji_core.errors import InputError, JobError
from tianji_core.i18n import _
from tianji_core.jobs import Job, JobSubject
from tianji_core.store import recipes
from tianji_core.teachers import TeacherChoice, checked_choice, key_variables, price_of, provider
from tianji_core.workspace import Workspace

KIND = "vote"


class VotingSubject(JobSubject):
    """The board whose pairs are judged."""

    board: str


class VotingArguments(VotingSubject):
    """``teacher`` judges; ``concurrency`` requests are under way at the same time."""

    worker = "tianji_core.comparison.voting.worker:vote"

    teacher: TeacherChoice
    concurrency: int


@dataclass(frozen=True)
class VotingEstimate:
    """``pairs`` that have no verdict; ``usage`` in tokens; ``cost`` in the provider's currency, None where
    its prices are unknown."""

    pairs: int
    usage: Usage
    cost: float | None


def estimate_voting(workspace: Workspace, board: Board, choice: TeacherChoice) -> VotingEstimate:
    """Returns what the missing votes will probably use."""
    recipe = recipes.current(workspace.engine, board.recipe).recipe
    pairs = open_pairs(workspace, board, judge_name(workspace, choice))
    usage = sum((usage_of(recipe, pair) for pair in pairs), Usage())
    price = price_of(provider(workspace, choice.provider), choice)
    return VotingEstimate(len(pairs), usage, usage.cost(price))


def start_voting(workspace: Workspace, board: Board, choice: TeacherChoice, concurrency: int = 8) -> Job:
    """Starts a job in which a teacher judges the pairs of a board that it has not judged yet, and returns it.

    Raises:
        JobError: such a job is running, or every pair is judged. InputError: the teacher answers no prompts.
        SettingsError, TeacherAuthError: the teacher cannot be used.
    """
    if not provider(workspace, choice.provider).can_chat:
        raise InputError(_("离线造句只会按语句表拼出成品，不会评判；请换一个接口模型（在设置页填密钥）"))
    checked_choice(workspace, choice)
    job = voting_job(workspace, board.key)
    if job is not None and job.active:
        raise JobError(_("这次对比正在请模型评判，等它结束或先停止它"))
    number = len(open_pairs(workspace, board, judge_name(workspace, choice)))
    if not number:
        raise JobError(_("没有要评判的：每一对答案都评过了，或者还没有两条可比的答案"))
    subject = VotingArguments(board=board.key, teacher=choice, concurrency=concurrency)
    title, keys = _("评判 {n} 对答案", n=number), key_variables(workspace, [choice])
    return jobs.start_worker(workspace, KIND, title, subject, keys)


def voting_job(workspace: Workspace, key: str) -> Job | None:
    """Returns the newest voting job of a board, None where there is none."""
    return jobs.newest_about(workspace, KIND, VotingSubject(board=key))
