"""A teacher as second voter, over HTTP."""

import asyncio
import json
from collections.abc import Iterator

import pytest

from tests.comparison.boards import filled
from tests.loopback import Handler, LoopbackApi, completion, fails, loopback_api, says
from tianji_core import jobs
from tianji_core.comparison import Board, save_board, voting
from tianji_core.dispatch import Retry
from tianji_core.errors import InputError, JobError, TeacherAnswerError
from tianji_core.jobs import Reporter
from tianji_core.recipe import built_in_recipes, load_recipe
from tianji_core.store import votes
from tianji_core.store.votes import TEACHER, TIE
from tianji_core.teachers import TeacherChoice
from tianji_core.workspace import Workspace


def prefers(word: str):
    """A judge that picks the text with this word, wherever it stands."""

    def reply(handler: Handler, body: dict) -> None:
        first = body["messages"][0]["content"].split("乙：")[0]
        said = {"better": "甲" if word in first else "乙", "reason": "更贴切"}
        handler.send_json(200, completion(json.dumps(said, ensure_ascii=False)))

    return reply


@pytest.fixture
def api() -> Iterator[LoopbackApi]:
    with loopback_api() as server:
        yield server


@pytest.fixture
def board(workspace: Workspace) -> Board:
    made = filled(load_recipe(built_in_recipes()["wishes"]), [["温暖一", "平淡一"], ["平淡二", "温暖二"]])
    save_board(workspace, made)
    return made


def teacher(api: LoopbackApi) -> TeacherChoice:
    return TeacherChoice(provider="custom", model="loopback-model", base_url=api.url, timeout=60)


def vote(workspace: Workspace, board: Board, api: LoopbackApi):
    quick = Retry(attempts=2, first_wait=0.01, longest_wait=0.02)
    return asyncio.run(voting.vote_board(workspace, board, teacher(api), 2, Reporter(total=1), retry=quick))


def test_a_verdict_counts_when_it_holds_in_both_orders(
    workspace: Workspace, board: Board, api: LoopbackApi
) -> None:
    api.default = prefers("温暖")
    estimate = voting.estimate_voting(workspace, board, teacher(api))
    assert estimate.pairs == 2 and estimate.usage.prompt > 200
    assert vote(workspace, board, api).judged == 2
    assert len(api.requests) == 4
    said = votes.listed(workspace.engine, "wishes", TEACHER)
    assert {(each.winner, each.chosen) for each in said} == {("新", "温暖一"), ("旧", "温暖二")}
    assert votes.teacher_usage(workspace.engine, "wishes") == (2, 44, 28)
    assert votes.tally(workspace.engine, "wishes") == []  # the people's scores stay theirs
    assert vote(workspace, board, api).judged == 0 and len(api.requests) == 4  # nothing is paid for twice


def test_one_that_always_takes_the_first_has_no_say(
    workspace: Workspace, board: Board, api: LoopbackApi
) -> None:
    api.default = says('{"better": "甲", "reason": "在前"}')
    vote(workspace, board, api)
    assert {each.outcome for each in votes.listed(workspace.engine, "wishes", TEACHER)} == {TIE}


def test_a_judge_that_says_nothing_useful_leaves_its_pairs_open(
    workspace: Workspace, board: Board, api: LoopbackApi
) -> None:
    api.default = says("我觉得都挺好的。")
    result = vote(workspace, board, api)
    assert (result.judged, result.failed, result.waiting) == (0, 2, 2)
    with pytest.raises(TeacherAnswerError, match="没有评判"):
        voting.read_duel("我觉得都挺好的。")


def test_the_job_goes_on_where_it_stopped_and_refuses_what_makes_no_sense(
    workspace: Workspace, board: Board, api: LoopbackApi
) -> None:
    with pytest.raises(InputError, match="不会评判"):
        voting.start_voting(workspace, board, TeacherChoice(provider="offline"))
    api.default = prefers("温暖")
    job = jobs.wait(workspace, voting.start_voting(workspace, board, teacher(api)).id, 60)
    assert job.state == "succeeded", jobs.log_tail(workspace, job.id)
    assert jobs.read_progress(workspace, job.id).done == 2
    with pytest.raises(JobError, match="没有要评判的"):
        voting.start_voting(workspace, board, teacher(api))


def test_a_job_that_leaves_pairs_without_a_verdict_fails_with_the_reason(
    workspace: Workspace, board: Board, api: LoopbackApi
) -> None:
    api.default = fails(451, "不便评价")
    job = jobs.wait(workspace, voting.start_voting(workspace, board, teacher(api)).id, 60)
    assert (job.state, job.exit_code) == ("failed", 1)
    assert "还缺 2 个" in job.note and "不便评价" in job.note
    api.default = prefers("温暖")
    job = jobs.wait(workspace, voting.start_voting(workspace, board, teacher(api)).id, 60)
    assert job.state == "succeeded"
