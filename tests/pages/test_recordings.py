"""Recordings among the documents on the generation page: nothing is sent before somebody is chosen and the
button is pressed."""

from collections.abc import Iterator

import pytest

from tests.generation.test_recordings import speech
from tests.loopback import LoopbackApi, loopback_api
from tests.pages.test_generate import errors, lab_page, metrics, page
from tests.transcription_server import KEY, TranscriptionApi, refuses, transcription_api
from tianji_core import jobs
from tianji_core.generation.knowledge import reading_job
from tianji_core.workspace import Workspace


@pytest.fixture
def api(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> Iterator[TranscriptionApi]:
    monkeypatch.setenv("CUSTOM_API_KEY", KEY)
    with transcription_api() as server:
        yield server


@pytest.fixture
def teacher() -> Iterator[LoopbackApi]:
    with loopback_api() as server:
        yield server


def offered(workspace: Workspace, teacher: LoopbackApi):
    """The page with a text and a recording."""
    lab_page(workspace, teacher)
    at = page(provider="lab", part="knowledge")
    files = [("年俗.txt", "腊八喝粥。".encode(), "text/plain"), ("王阿姨.wav", speech(), "audio/wav")]
    at.file_uploader(key="documents").set_value(files)
    return at.run()


def chosen(at, api: TranscriptionApi):
    at.selectbox(key="transcriber").set_value("custom").run()
    at.text_input(key="transcriber_url_custom").set_value(api.url).run()
    return at.text_input(key="transcriber_model_custom").set_value("whisper-1").run()


def waited(workspace: Workspace, at):
    job = reading_job(workspace)
    assert job is not None
    jobs.wait(workspace, job.id, timeout=120)
    return at.run()


def test_a_recording_waits_for_a_choice_and_a_press(
    workspace: Workspace, teacher: LoopbackApi, api: TranscriptionApi
):
    at = offered(workspace, teacher)
    assert not at.exception and not errors(at)
    assert any("录音要先转写" in info.value for info in at.info) and "块" not in metrics(at)
    assert "transcribe" not in {button.key for button in at.button}
    at = chosen(at, api)
    assert not at.exception and not errors(at)
    told = " ".join(warning.value for warning in at.warning).replace("\\", "")
    assert "录音本身会发到" in told and api.url in told
    assert api.heard == [] and reading_job(workspace) is None
    at.button(key="transcribe").click().run()
    at = waited(workspace, at)
    assert not at.exception and not errors(at)
    assert len(api.heard) == 1 and metrics(at)["块"] == "2"
    shown = " ".join(text.value for text in at.text) + " ".join(caption.value for caption in at.caption)
    assert "灶王爷这天上天" in shown and "录音-" in shown.replace("\\", "") and "王阿姨" not in shown
    again = page(provider="lab", part="knowledge")  # after a refresh, or in another tab
    assert metrics(again) == metrics(at) and len(api.heard) == 1


def test_what_failed_is_said_and_can_be_sent_again(
    workspace: Workspace, teacher: LoopbackApi, api: TranscriptionApi, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("CUSTOM_API_KEY", "sk-wrong-key-of-the-ear")
    at = chosen(offered(workspace, teacher), api)
    at.button(key="transcribe").click().run()
    at = waited(workspace, at)
    told = " ".join(warning.value for warning in at.warning).replace("\\", "")
    assert not at.exception and "CUSTOM_API_KEY" in told and "sk-wrong" not in told
    monkeypatch.setenv("CUSTOM_API_KEY", KEY)
    api.script.append(refuses(413, "at most 25 MB"))
    at.button(key="transcribe").click().run()
    at = waited(workspace, at)
    assert not at.exception and "at most 25 MB" in errors(at) and "块" not in metrics(at)
    at.button(key="transcribe").click().run()
    at = waited(workspace, at)
    assert not at.exception and not errors(at) and metrics(at)["块"] == "2"


def test_without_a_model_or_an_address_nothing_can_be_sent(
    workspace: Workspace, teacher: LoopbackApi, api: TranscriptionApi
):
    at = offered(workspace, teacher)
    at.selectbox(key="transcriber").set_value("vllm").run()
    assert not at.exception and "模型名" in errors(at)
    at.selectbox(key="transcriber").set_value("siliconflow").run()
    assert not at.exception and errors(at) == ""
    told = [each.value.replace("\\", "") for each in at.warning]
    assert sum("SILICONFLOW_API_KEY" in each for each in told) == 1
    assert at.text_input(key="transcriber_model_siliconflow").value == "FunAudioLLM/SenseVoiceSmall"
    assert "transcribe" not in {button.key for button in at.button} and api.heard == []
