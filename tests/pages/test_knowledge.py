"""用资料: chunks are shown before anything is sent, and questions arrive in the samples."""

import json
from collections.abc import Iterator

import pytest

from tests.loopback import LoopbackApi, fails, loopback_api, says
from tests.pages.test_generate import errors, lab_page, metrics, page
from tianji_core import jobs
from tianji_core.generation.knowledge import knowledge_jobs, reading_job
from tianji_core.store import knowledge as rows
from tianji_core.store import samples
from tianji_core.workspace import Workspace

TEXT = "腊月二十三祭灶。灶王爷这天上天。" * 60


@pytest.fixture
def api() -> Iterator[LoopbackApi]:
    with loopback_api() as server:
        yield server


def uploaded(workspace: Workspace, api: LoopbackApi):
    lab_page(workspace, api)
    at = page(provider="lab", part="knowledge")
    at.file_uploader(key="documents").set_value([("年俗.txt", TEXT.encode(), "text/plain")])
    return at.run()


def test_chunks_and_the_estimate_are_shown_before_the_start(workspace: Workspace, api: LoopbackApi):
    at = uploaded(workspace, api)
    assert not at.exception and not errors(at)
    assert int(metrics(at)["块"]) >= 2
    assert any("腊月二十三祭灶" in text.value for text in at.text)
    assert api.requests == [] and rows.listed(workspace.engine, "wishes") == []
    again = page(provider="lab", part="knowledge")  # after a refresh, or in another tab
    assert metrics(again) == metrics(at)
    assert any("年俗.txt" in caption.value for caption in again.caption)
    again.button(key="forget_documents").click().run()
    assert "块" not in metrics(again) and "块" not in metrics(page(provider="lab", part="knowledge"))


def test_questions_arrive_and_a_failed_chunk_can_be_asked_again(workspace: Workspace, api: LoopbackApi):
    said = json.dumps([{"question": "灶王爷哪天上天？", "answer": "腊月二十三"}], ensure_ascii=False)
    api.script.append(says(said))
    api.default = fails(400, "too long")
    at = uploaded(workspace, api)
    at.number_input(key="concurrency_lab").set_value(1)
    at.run()
    at.button(key="start_knowledge").click()
    at.run()
    assert not at.exception and not errors(at)
    jobs.wait(workspace, knowledge_jobs(workspace)[1].id, timeout=60)
    at = page(part="knowledge", knowledge="1")
    assert "forget_documents" not in {button.key for button in at.button}
    assert metrics(at)["问答"] == "1" and int(metrics(at)["失败"]) >= 1
    api.default = says(said)
    at.button(key="resume_knowledge_1").click()
    at.run()
    jobs.wait(workspace, knowledge_jobs(workspace)[1].id, timeout=60)
    counts = rows.counts(workspace.engine, 1)
    assert counts.failed == counts.pending == 0 and counts.repeated >= 1
    found = samples.page(workspace.engine, samples.SampleFilter("wishes", source="knowledge"))
    assert [sample.output for sample in found] == ["腊月二十三"]


def test_the_composer_is_not_offered_for_documents(workspace: Workspace):
    at = page(part="knowledge")
    assert any("不会读资料" in info.value for info in at.info)
    assert not at.exception


def test_a_broken_document_is_one_sentence(workspace: Workspace):
    at = page(part="knowledge")
    at.file_uploader(key="documents").set_value([("坏.pdf", b"%PDF broken", "application/pdf")])
    at.run()
    assert not at.exception and not errors(at)
    job = reading_job(workspace)
    assert job is not None
    jobs.wait(workspace, job.id, timeout=120)
    at.run()
    assert not at.exception
    assert "坏" in errors(at)


def test_what_a_stopped_job_has_not_read_is_read_on(workspace: Workspace, api: LoopbackApi):
    lab_page(workspace, api)
    at = page(provider="lab", part="knowledge")
    cues = "1\n00:00:01,000 --> 00:00:02,000\n腊月二十三祭灶\n"
    at.file_uploader(key="documents").set_value([("年俗.srt", cues.encode(), "text/plain")])
    at.run()
    first = reading_job(workspace)
    assert first is not None
    if jobs.get(workspace, first.id).active:
        at.button(key="stop_reading").click()
        at.run()
    if jobs.wait(workspace, first.id, timeout=120).state == "stopped":
        at = page(provider="lab", part="knowledge")  # after a refresh, or in another tab
        assert "块" not in metrics(at) and reading_job(workspace) == jobs.get(workspace, first.id)
        at.button(key="read_on").click()
        at.run()
        again = reading_job(workspace)
        assert again is not None and again.id != first.id
        jobs.wait(workspace, again.id, timeout=120)
    at = page(provider="lab", part="knowledge")
    assert not at.exception and not errors(at) and metrics(at)["块"] == "1"
    assert any("腊月二十三祭灶" in shown.value for shown in at.text)
