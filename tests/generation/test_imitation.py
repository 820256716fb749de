"""照着写: a teacher that copies, changes words only, and at last writes anew; only the last kind is used."""

import asyncio
import os
import signal
import subprocess
import time
from collections import Counter
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.generation.test_generating import QUICK
from tests.loopback import Handler, LoopbackApi, completion, fails, says
from tianji_core import cleaning, jobs
from tianji_core.cli import program
from tianji_core.errors import InputError, JobError, RunLimitError
from tianji_core.generation import RunOptions
from tianji_core.generation.imitation import (
    ImitationSettings,
    ImitationState,
    create_imitation_run,
    estimate_imitation,
    fitting_style,
    imitation_state,
    paragraphs_of,
    start_imitation,
    waiting,
)
from tianji_core.generation.imitation.job import ImitationSubject
from tianji_core.generation.imitation.likeness import Likeness, likeness
from tianji_core.generation.imitation.talking import run_imitation
from tianji_core.jobs import Reporter
from tianji_core.recipe import built_in_recipe
from tianji_core.store import findings, samples, steps
from tianji_core.store import imitation as rows
from tianji_core.store.imitation import ImitationRun
from tianji_core.teachers import SamplingPlan, TeacherChoice
from tianji_core.workspace import Workspace

TRIPLES = Path(__file__).with_name("imitated.txt")
"""Hand-written paragraphs, one a line after its mark: = the paragraph, ~ the same with other words, + another
one in the same manner."""


def written() -> dict[str, list[str]]:
    kinds: dict[str, list[str]] = {"=": [], "~": [], "+": []}
    for line in TRIPLES.read_text(encoding="utf-8").splitlines():
        if line[:1] in kinds:
            kinds[line[0]].append(line[1:].strip())
    return kinds


PARAGRAPH, REWORDED, *_rest = (written()[kind][0] for kind in "=~+")
ANEW = written()["+"]
SETTINGS = ImitationSettings(name="外婆", scene="生日", style="祝福长文", seeds=2, cells=3, again=2)


def imitates_badly(handler: Handler, body: dict) -> None:
    """Copies at first, then changes words only, and writes anew when it is asked a third time."""
    said = [message["content"] for message in body["messages"] if message["role"] == "user"]
    imitated = said[0].rsplit("这段文字是：\n", 1)[1]
    if len(said) == 1:
        answer = imitated
    elif len(said) == 2:
        answer = imitated.replace("我", "咱").replace("看", "瞧").replace("的", "滴")
    else:
        answer = ANEW[handler.server.api.next_number() % len(ANEW)]
    handler.send_json(200, completion(answer))


def copies(handler: Handler, body: dict) -> None:
    said = [message["content"] for message in body["messages"] if message["role"] == "user"]
    handler.send_json(200, completion(said[0].rsplit("这段文字是：\n", 1)[1]))


def teacher(api: LoopbackApi) -> TeacherChoice:
    return TeacherChoice(provider="custom", model="loopback-model", base_url=api.url, timeout=60)


def new_run(
    workspace: Workspace,
    api: LoopbackApi,
    settings: ImitationSettings = SETTINGS,
    options: RunOptions | None = None,
) -> ImitationRun:
    return create_imitation_run(
        workspace, "wishes", [PARAGRAPH], teacher(api), SamplingPlan(), settings, 2, options
    )


def work(workspace: Workspace, run: ImitationRun) -> ImitationState:
    return asyncio.run(run_imitation(workspace, run.id, Reporter(), retry=QUICK))


@pytest.mark.parametrize("number", range(len(written()["="])))
def test_copies_and_reworded_paragraphs_are_too_close_and_others_in_the_same_manner_are_not(number: int):
    kinds = written()
    paragraph, reworded = kinds["="][number], kinds["~"][number]
    common = ("外婆", "奶奶", "妈", "爸", "老师", "生日")
    assert likeness(paragraph, paragraph).wording == 1.0
    assert SETTINGS.is_close(likeness(reworded, paragraph, common))
    close = [
        (text, found) for text in kinds["+"] if SETTINGS.is_close(found := likeness(text, paragraph, common))
    ]
    assert close == []


def test_likeness_is_the_same_both_ways_and_knows_texts_without_clauses():
    first, second = ANEW[:2]
    assert likeness(first, second) == likeness(second, first)
    assert likeness("", first) == likeness("！！", first) == Likeness()
    assert likeness("好" * 4000, "好" * 4000).structure >= 0.75


def test_only_texts_that_are_written_anew_are_used_and_requests_are_bounded(
    workspace: Workspace, api: LoopbackApi
):
    api.default = imitates_badly
    state = work(workspace, new_run(workspace, api))
    counts = state.counts
    assert counts.total == 2 + 2 * 3 and counts.pending == counts.failed == 0
    assert counts.answers == len(api.requests) <= counts.total * (1 + SETTINGS.again)
    done = [text for text in state.texts if text.state == "done"]
    assert len(done) >= 5 and {text.text for text in done} <= set(ANEW)
    assert all(len(text.talk) == 3 for text in done)
    assert all(text.wording < SETTINGS.wording and text.structure < SETTINGS.structure for text in done)
    parents = Counter(text.parent for text in state.texts if text.stage == "child")
    seeds = [text for text in state.texts if text.stage == "seed"]
    assert parents == {seed.position: 3 for seed in seeds if seed.state == "done"}
    cells = [(text.name, text.scene) for text in state.texts if text.stage == "child"]
    assert len(set(cells)) == len(cells) and ("外婆", "生日") not in cells
    stored = samples.page(workspace.engine, samples.SampleFilter("wishes", source="imitation"))
    assert {sample.output for sample in stored} >= {text.text for text in done}
    assert all(sample.state == "pending" and sample.name in sample.input for sample in stored)


def test_the_talk_goes_on_in_stronger_words_with_what_was_said(workspace: Workspace, api: LoopbackApi):
    api.default = imitates_badly
    work(workspace, new_run(workspace, api, SETTINGS.model_copy(update={"seeds": 1, "cells": 0})))
    first, second, third = (request["messages"] for request in api.requests)
    roles = ["system", "user", "assistant", "user", "assistant", "user"]
    assert [message["role"] for message in third] == roles
    assert third[:4] == second and second[:2] == first and third[2]["content"] == PARAGRAPH
    assert "照抄" in second[-1]["content"] and "外婆" in second[-1]["content"]
    assert "还是" in third[-1]["content"] and len(third[-1]["content"]) > len(second[-1]["content"])


def test_what_stays_too_close_is_left_to_a_person_and_carried_once_it_is_accepted(
    workspace: Workspace, api: LoopbackApi
):
    api.default = copies
    run = new_run(workspace, api, SETTINGS.model_copy(update={"seeds": 1}))
    state = work(workspace, run)
    assert (state.counts.left, state.counts.done, len(api.requests)) == (1, 0, 3)
    assert waiting(workspace, run) == 0
    cleaning.check_new(workspace, "wishes")
    [sample] = samples.page(workspace.engine, samples.SampleFilter("wishes", source="imitation"))
    assert "too_alike" in {finding.rule for finding in findings.of(workspace.engine, [sample.id])[sample.id]}
    step = steps.edit(workspace.engine, "wishes", sample.id, sample.version, ANEW[0], "小李", "accepted")
    assert step is not None and waiting(workspace, run) == 3
    cleaning.check_new(workspace, "wishes")
    assert "too_alike" not in {f.rule for f in findings.of(workspace.engine, [sample.id])[sample.id]}
    work(workspace, run)
    assert ANEW[0] in api.requests[-1]["messages"][1]["content"]  # the text as it was edited


def test_texts_that_arrive_together_are_compared_with_each_other(workspace: Workspace, api: LoopbackApi):
    def nearly_the_same(handler: Handler, _body: dict) -> None:
        handler.send_json(200, completion(ANEW[0] + "一二三四"[handler.server.api.next_number() % 4]))

    api.default = nearly_the_same
    settings = SETTINGS.model_copy(update={"seeds": 4, "cells": 0, "again": 0})
    run = create_imitation_run(
        workspace, "wishes", [PARAGRAPH], teacher(api), SamplingPlan(), settings, concurrency=4
    )
    counts = work(workspace, run).counts
    assert (counts.done, counts.left) == (1, 3)


def test_the_request_of_the_text_that_is_kept_is_kept(workspace: Workspace, api: LoopbackApi):
    api.script.extend([says(REWORDED), says(PARAGRAPH)])
    work(workspace, new_run(workspace, api, SETTINGS.model_copy(update={"seeds": 1, "cells": 0, "again": 1})))
    [sample] = samples.page(workspace.engine, samples.SampleFilter("wishes", source="imitation"))
    asked = samples.provenance(workspace.engine, sample.id).prompt
    assert sample.output == REWORDED and asked == api.requests[0]["messages"][-1]["content"]


def test_the_turns_of_a_talk_keep_to_the_requests_per_minute(workspace: Workspace, api: LoopbackApi):
    api.default = copies
    run = create_imitation_run(
        workspace, "wishes", [PARAGRAPH], teacher(api).model_copy(update={"requests_per_minute": 1}),
        SamplingPlan(), SETTINGS.model_copy(update={"seeds": 1}), 1, RunOptions(minutes=0.02),
    )  # fmt: skip
    with pytest.raises(RunLimitError, match="时限"):
        work(workspace, run)
    assert len(api.requests) == 1


def test_seeds_wait_for_a_person_where_that_is_wanted(workspace: Workspace, api: LoopbackApi):
    api.default = imitates_badly
    run = new_run(workspace, api, SETTINGS.model_copy(update={"only_accepted": True}))
    state = work(workspace, run)
    assert state.counts.total == 2
    first = next(text for text in state.texts if text.state == "done")
    chosen = samples.SampleFilter("wishes", ids=(first.sample_id,))
    steps.set_state(workspace.engine, chosen, "accepted", "小李")
    assert work(workspace, run).counts.total == 2 + 3
    again = len(api.requests)
    assert work(workspace, run).counts.total == 5 and len(api.requests) == again


def test_a_failed_text_is_asked_again_and_the_rest_is_not(workspace: Workspace, api: LoopbackApi):
    api.default = imitates_badly
    api.script.extend([imitates_badly, imitates_badly, fails(400, "too long")])
    run = new_run(workspace, api, SETTINGS.model_copy(update={"cells": 0}))
    state = work(workspace, run)
    assert state.counts.failed == 1 and "too long" in state.errors[0].example
    asked = len(api.requests)
    rows.reset_failed(workspace.engine, run.id)
    assert work(workspace, run).counts.failed == 0 and len(api.requests) == asked + 2


def test_a_budget_ends_the_run_and_leaves_the_rest(workspace: Workspace, api: LoopbackApi):
    api.default = imitates_badly
    run = new_run(workspace, api, options=RunOptions(budget_tokens=600))
    with pytest.raises(RunLimitError, match="预算"):
        work(workspace, run)
    counts = imitation_state(workspace, run.id).counts
    assert counts.pending and counts.prompt_tokens + counts.completion_tokens <= 600
    arguments = ["imitate", "--resume", str(run.id), "--budget-tokens", "1000000", "--json"]
    told = CliRunner().invoke(program(), arguments)
    assert told.exit_code == 0, told.output
    assert imitation_state(workspace, run.id).counts.pending == 0


def test_a_killed_worker_goes_on_as_a_job_and_sends_no_turn_twice(workspace: Workspace, api: LoopbackApi):
    api.default = imitates_badly
    api.answer_only(4)
    run = new_run(workspace, api, SETTINGS.model_copy(update={"seeds": 4, "cells": 0}))
    worker = jobs.prepare_worker(workspace, "test", "单独的子进程", ImitationSubject(imitation_run_id=run.id))
    child = subprocess.Popen(worker.argv, stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while rows.counts(workspace.engine, [run.id])[run.id].answers < 4:
        assert time.monotonic() < deadline and child.poll() is None
        time.sleep(0.02)
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    api.answer_all()
    job = jobs.wait(workspace, start_imitation(workspace, run.id).id, timeout=120)
    assert job.state == "succeeded", job.note
    counts = rows.counts(workspace.engine, [run.id])[run.id]
    assert counts.total == 4 and counts.pending == 0
    assert counts.answers <= len(api.requests) <= counts.answers + 2  # those in flight at the kill
    with pytest.raises(JobError, match="没有要写"):
        start_imitation(workspace, run.id)


def test_blank_lines_part_paragraphs_and_a_single_one_will_do():
    assert paragraphs_of("一段话") == ["一段话"]
    assert paragraphs_of("\n\n甲一。\n甲二。\n \t\n\n乙\r\n\r\n甲一。\n甲二。\n\n！！\n") == [
        "甲一。\n甲二。",
        "乙",
    ]


@pytest.mark.parametrize(
    ("pasted", "said"),
    [
        ("", "先贴一段"),
        (" \n\n \n", "先贴一段"),
        ("好\n\n" + "长" * 10_000, "第 2 段（“长长长长长长长长长长…”）有 10,000 字"),
        ("\n\n".join(f"第{n}段" for n in range(51)), "最多 50 段"),
    ],
)
def test_paragraphs_that_cannot_be_used_are_one_sentence(pasted: str, said: str):
    with pytest.raises(InputError, match=said):
        paragraphs_of(pasted)


def test_a_run_that_cannot_be_is_refused_before_anything_is_stored(workspace: Workspace, api: LoopbackApi):
    with pytest.raises(InputError, match="无名氏"):
        new_run(workspace, api, SETTINGS.model_copy(update={"name": "无名氏"}))
    with pytest.raises(InputError, match="离线"):
        create_imitation_run(workspace, "wishes", [PARAGRAPH], TeacherChoice(), SamplingPlan(), SETTINGS)
    many = [f"{PARAGRAPH}{number}" for number in range(50)]
    with pytest.raises(InputError, match="最多 20,000 条"):
        create_imitation_run(
            workspace, "wishes", many, teacher(api), SamplingPlan(),
            SETTINGS.model_copy(update={"seeds": 20, "cells": 100}),
        )  # fmt: skip
    assert rows.listed(workspace.engine, "wishes") == []


def test_the_estimate_bounds_what_a_run_uses(workspace: Workspace, api: LoopbackApi):
    api.default = imitates_badly
    recipe = built_in_recipe("wishes")
    expected = estimate_imitation(workspace, recipe, [PARAGRAPH], SETTINGS, teacher(api), 2)
    assert (expected.texts, expected.most_requests) == (8, 24)
    assert 0 < expected.least_tokens < expected.most_tokens and expected.least_seconds < expected.most_seconds
    assert fitting_style(recipe, [PARAGRAPH]).max_chars >= len(PARAGRAPH)
