"""Three other wordings: asked for in the background, checked by the rules, taken over as an edit that names
the teacher."""

import asyncio

import pytest

from tests.loopback import LoopbackApi, fails, says
from tianji_core import jobs, review
from tianji_core.dispatch import Retry
from tianji_core.errors import InputError, TeacherError
from tianji_core.review.job import rewriting_job, start_rewriting
from tianji_core.store import samples, steps
from tianji_core.store.samples import ACCEPTED, NewSample, Sample
from tianji_core.teachers import TeacherChoice
from tianji_core.workspace import Workspace

TEXT = "妹妹，生日快乐！愿你新的一岁平安喜乐，每天都有好心情。"


@pytest.fixture
def sample(workspace: Workspace) -> Sample:
    number = samples.add(
        workspace.engine, NewSample("wishes", "系统", "祝妹妹生日", TEXT, "妹妹", "生日", "正常")
    )
    assert number is not None
    return samples.get(workspace.engine, number)


def teacher(api: LoopbackApi) -> TeacherChoice:
    return TeacherChoice(provider="custom", model="loopback-model", base_url=api.url)


def test_answers_are_cleaned_checked_and_kept_without_doubles(
    workspace: Workspace, sample: Sample, api: LoopbackApi
) -> None:
    other = "妹妹，生日快乐！愿新的一年事事顺心，常有人陪你笑。"
    api.script.extend([says(f"“{other}”"), says(other), says("太短")])
    found = asyncio.run(review.rewrite(workspace, sample, teacher(api), "少一点套话"))
    assert {c.text for c in found.candidates} == {other, "太短"}
    said = {c.text: [o.rule for o in c.objections] for c in found.candidates}
    assert said[other] == [] and "too_short" in said["太短"]
    assert found.completion_tokens > 0 and found.cost is None, "the price is not known"
    assert TEXT in api.prompts()[0] and "少一点套话" in api.prompts()[0]
    assert review.load_rewriting(workspace, sample) == found


def test_a_candidate_becomes_an_edit_whose_note_names_the_teacher(
    workspace: Workspace, sample: Sample, api: LoopbackApi
) -> None:
    api.default = says("妹妹，生日快乐！愿新的一年事事顺心，常有人陪你笑。")
    found = asyncio.run(review.rewrite(workspace, sample, teacher(api)))
    review.take_candidate(workspace, sample, found.candidates[0], "我", ACCEPTED)
    now = samples.get(workspace.engine, sample.id)
    assert (now.output, now.state) == (found.candidates[0].text, ACCEPTED)
    assert "loopback-model" in steps.history(workspace.engine, sample.id)[0].step.note
    assert review.load_rewriting(workspace, now) is None
    steps.undo(workspace.engine, "wishes", "我")
    assert samples.get(workspace.engine, sample.id).output == TEXT


def test_one_failure_leaves_the_others_and_three_are_an_error(
    workspace: Workspace, sample: Sample, api: LoopbackApi
) -> None:
    api.script.extend([fails(500), says("妹妹，生日快乐！愿你事事顺心如意。"), fails(500)])
    once = Retry(attempts=1)
    found = asyncio.run(review.rewrite(workspace, sample, teacher(api), retry=once))
    assert len(found.candidates) == 1 and len(found.faults) == 2
    api.default = fails(500)
    with pytest.raises(TeacherError):
        asyncio.run(review.rewrite(workspace, sample, teacher(api), retry=once))


def test_a_wording_that_fails_is_asked_for_again(
    workspace: Workspace, sample: Sample, api: LoopbackApi
) -> None:
    api.script.extend([fails(500), fails(429)])
    quick = Retry(attempts=3, first_wait=0.01, longest_wait=0.02)
    found = asyncio.run(review.rewrite(workspace, sample, teacher(api), retry=quick))
    assert len(found.candidates) == 3 and not found.faults and len(api.requests) == 5


def test_the_offline_composer_writes_three_that_differ_and_pass_the_rules(
    workspace: Workspace, sample: Sample
) -> None:
    job = start_rewriting(workspace, sample, TeacherChoice())
    assert jobs.wait(workspace, job.id, timeout=60).state == "succeeded"
    latest = rewriting_job(workspace, sample.id)
    assert latest is not None and latest.id == job.id
    found = review.load_rewriting(workspace, sample)
    assert found is not None and found.cost == 0
    assert len({c.text for c in found.candidates} - {TEXT}) == 3
    assert all(c.objections == () for c in found.candidates)


def test_the_composer_says_that_it_needs_to_know_the_cell(workspace: Workspace) -> None:
    number = samples.add(workspace.engine, NewSample("wishes", "系统", "随便写点", "随便写的一段话"))
    assert number is not None
    with pytest.raises(InputError, match="看不出"):
        asyncio.run(review.rewrite(workspace, samples.get(workspace.engine, number), TeacherChoice()))
