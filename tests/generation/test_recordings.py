"""Recordings among the documents: they are sent only to a chosen server, once, and what it writes down goes
the way of a chat. The client is the official SDK, the server a real one."""

import hashlib
import io
import json
import os
import time
import wave
from collections.abc import Iterator
from pathlib import Path

import openai
import pytest
from sqlalchemy import text

from tests.processes import until
from tests.transcription_server import (
    KEY,
    TranscriptionApi,
    cuts,
    refuses,
    sends,
    transcription_api,
    writes_down,
)
from tianji_core import jobs
from tianji_core.errors import InputError, SettingsError, TeacherAuthError, TeacherUnreachableError
from tianji_core.generation.knowledge import (
    Document,
    document_key,
    forget_reading,
    forget_readings,
    read_document,
    read_so_far,
    recordings,
    split_document,
    start_reading,
    without_names,
)
from tianji_core.generation.knowledge.recordings import transcribe
from tianji_core.teachers import TeacherChoice, load_providers, provider
from tianji_core.teachers.providers import BUILT_IN
from tianji_core.workspace import Workspace

NAME = "王阿姨的语音.wav"


def speech(number: int = 0) -> bytes:
    """A tenth of a second of silence, and the number of it."""
    target = io.BytesIO()
    with wave.open(target, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(bytes([number, 0]) * 800)
    return target.getvalue()


@pytest.fixture
def api(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> Iterator[TranscriptionApi]:
    monkeypatch.setattr(recordings, "FIRST_WAIT", 0.0)
    with transcription_api() as server:
        own = f"ear:\n  title: 听写\n  sdk: openai\n  key_variable: EAR_KEY\n  base_url: {server.url}\n"
        (workspace.home / "providers.yaml").write_text(own, encoding="utf-8")
        monkeypatch.setenv("EAR_KEY", KEY)
        yield server


EAR = TeacherChoice(provider="ear", model="whisper-1", timeout=20)


def test_the_server_of_these_tests_speaks_the_interface_of_the_official_client(api: TranscriptionApi):
    with openai.OpenAI(api_key=KEY, base_url=api.url) as client:
        said = client.audio.transcriptions.create(model="whisper-1", file=("a.wav", speech()))
    assert said.text == "腊月二十三祭灶。灶王爷这天上天。"


def test_a_recording_is_sent_whole_and_without_its_name_and_only_once(
    workspace: Workspace, api: TranscriptionApi
):
    api.default = writes_down("<|zh|><|HAPPY|>王阿姨说，\u200b祝⽼师好！打13800138000，住幸福路12号。")
    document = transcribe(workspace, EAR, NAME, speech())
    (heard,) = api.heard
    assert heard.audio == speech() and heard.filename == "recording.wav"
    assert heard.fields == {"model": "whisper-1", "response_format": "json"}
    sha256 = hashlib.sha256(speech()).hexdigest()
    assert document == Document(
        f"录音-{sha256[:6]}.wav", sha256, "王阿姨说，祝老师好！打〔电话〕，〔地址〕。"
    )
    assert [chunk.text for chunk in split_document(without_names(document, ["王阿姨"]))] == [
        "某某说，祝老师好！打〔电话〕，〔地址〕。"
    ]
    assert transcribe(workspace, EAR, "另一个名字.wav", speech()) == document and len(api.heard) == 1
    transcribe(workspace, EAR.model_copy(update={"model": "whisper-2"}), NAME, speech())
    transcribe(workspace, EAR, NAME, speech(1))
    assert len(api.heard) == 3
    stored = b"".join(path.read_bytes() for path in transcripts(workspace))
    assert b"13800138000" not in stored and KEY.encode() not in stored


def transcripts(workspace: Workspace) -> list[Path]:
    return sorted((workspace.home / "drafts" / "transcripts").glob("*"))


def test_an_old_transcript_goes_when_another_comes(workspace: Workspace, api: TranscriptionApi):
    transcribe(workspace, EAR, NAME, speech())
    (old,) = transcripts(workspace)
    os.utime(old, (0, time.time() - 31 * 86_400))
    transcribe(workspace, EAR, NAME, speech(1))
    assert old not in transcripts(workspace) and len(transcripts(workspace)) == 1


def test_a_damaged_transcript_is_asked_for_again(workspace: Workspace, api: TranscriptionApi):
    first = transcribe(workspace, EAR, NAME, speech())
    (kept,) = transcripts(workspace)
    kept.write_text('{"text": 3', encoding="utf-8")
    assert transcribe(workspace, EAR, NAME, speech()) == first and len(api.heard) == 2


REFUSALS = {
    "too large": (
        refuses(413, "Maximum content size limit (26214400) exceeded"),
        "太大.*413.*拆小.*26214400",
    ),
    "not audio": (refuses(400, "Invalid file format."), "HTTP 400.*whisper-1.*Invalid file format"),
    "no such model or address": (refuses(404, "page not found"), "404.*whisper-1.*/v1"),
    "nothing heard": (writes_down("  \n"), "没有从录音里听出话来"),
    "marks only": (writes_down("<|nospeech|><|Event_UNK|>"), "没有听出话来"),
    "no text": (sends(b'{"task": "transcribe"}'), "没有转写出来的文字"),
    "a number": (writes_down(7), "没有转写出来的文字"),
    "a list": (sends(b"[]"), "JSON 对象"),
    "half an answer": (sends('{"text": "腊'.encode()), "不是合法的 JSON"),
    "a page": (sends(b"<html><title>Sign in</title></html>", "text/html"), "网页"),
    "an error with status 200": (
        sends('{"code": 30001, "message": "余额不足", "data": null}'.encode()),
        "余额",
    ),
    "far too much": (writes_down("祝" * 100_001), "正文太长"),
    "a body without end": (sends(b'{"text": "' + b"a" * 5_000_000 + b'"}'), "超过 4 MB"),
}


@pytest.mark.parametrize(("reply", "sentence"), REFUSALS.values(), ids=REFUSALS)
def test_what_a_server_refuses_or_says_badly_is_one_sentence_and_not_asked_again(
    workspace: Workspace, api: TranscriptionApi, reply, sentence
):
    api.default = reply
    with pytest.raises((InputError, TeacherAuthError), match=sentence) as refused:
        transcribe(workspace, EAR, NAME, speech())
    assert len(api.heard) == 1 and transcripts(workspace) == []
    assert "\n" not in str(refused.value)
    if isinstance(refused.value, InputError):
        assert str(refused.value).startswith(NAME)


def test_a_wrong_key_is_said_without_the_key(
    workspace: Workspace, api: TranscriptionApi, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("EAR_KEY", "sk-wrong-key-of-the-ear")
    with pytest.raises(TeacherAuthError, match="EAR_KEY") as refused:
        transcribe(workspace, EAR, NAME, speech())
    assert "sk-wrong" not in str(refused.value) and len(api.heard) == 1


@pytest.mark.parametrize(
    "fault",
    [cuts, refuses(503, "overloaded"), refuses(429, "slow down", Retry_After="0")],
    ids=["cut", "503", "429"],
)
def test_what_may_pass_is_asked_again_a_bounded_number_of_times(
    workspace: Workspace, api: TranscriptionApi, fault
):
    api.script.extend([fault, fault])
    assert "祭灶" in transcribe(workspace, EAR, NAME, speech()).text and len(api.heard) == 3
    api.default = fault
    with pytest.raises((TeacherUnreachableError, InputError)):
        transcribe(workspace, EAR, NAME, speech(1))
    assert len(api.heard) == 3 + recordings.ATTEMPTS


def test_a_server_that_does_not_answer_in_time_is_not_asked_again(
    workspace: Workspace, api: TranscriptionApi
):
    api.released.clear()
    with pytest.raises(InputError, match=r"0\.5 秒内没有回答"):
        transcribe(workspace, EAR.model_copy(update={"timeout": 0.5}), NAME, speech())
    assert len(api.heard) == 1


def test_nothing_is_sent_by_default_nor_to_who_cannot(workspace: Workspace, api: TranscriptionApi):
    with pytest.raises(InputError, match=f"{NAME}.*转写"):
        read_document(NAME, speech())
    for choice, said in (
        (TeacherChoice(), "不转写录音"),
        (TeacherChoice(provider="zhipu", model="glm"), "不转写录音"),
        (TeacherChoice(provider="ear"), "听写.*模型名"),
        (TeacherChoice(provider="nobody"), "nobody"),
        (TeacherChoice(provider="custom", model="m"), "接口地址"),
    ):
        with pytest.raises(SettingsError, match=said):
            transcribe(workspace, choice, NAME, speech())
        with pytest.raises(SettingsError, match=said):
            start_reading(workspace, [(NAME, speech())], choice)
    with pytest.raises(InputError, match="不是录音"):
        transcribe(workspace, EAR, "a.txt", b"a")
    with pytest.raises(InputError, match="是空的"):
        transcribe(workspace, EAR, NAME, b"")
    with pytest.raises(InputError, match="最多 64 MB"):
        transcribe(workspace, EAR, NAME, bytes(64 * 1024**2 + 1))
    assert api.heard == [] and jobs.listed(workspace) == []


def test_of_several_addresses_the_first_is_asked(workspace: Workspace, api: TranscriptionApi):
    several = EAR.model_copy(update={"base_url": f"{api.url},http://127.0.0.1:9/v1"})
    assert "祭灶" in transcribe(workspace, several, NAME, speech()).text


def test_usual_models_stand_in_the_catalogue(workspace: Workspace):
    for key, one in load_providers(BUILT_IN).items():
        assert not one.transcribers or one.can_transcribe, key
    assert provider(workspace, "openai").transcribers and provider(workspace, "siliconflow").transcribers


def test_a_job_writes_down_each_recording_or_says_why_not(workspace: Workspace, api: TranscriptionApi):
    api.script.append(refuses(413, "too large"))
    files = [(NAME, speech(1)), ("b.mp3", speech(2)), ("c.M4A", speech(3))]
    job = start_reading(workspace, files, EAR)
    assert "王阿姨" not in repr(job) and KEY not in repr(job)
    job = jobs.wait(workspace, job.id, timeout=120)
    assert job.state == "succeeded", jobs.log_tail(workspace, job.id)
    assert [heard.filename for heard in api.heard] == ["recording.wav", "recording.mp3", "recording.m4a"]
    keys = [document_key(*file) for file in files]
    first, second, third = (read_so_far(workspace, key) for key in keys)
    assert isinstance(first, InputError) and NAME in str(first) and "413" in str(first)
    assert isinstance(second, Document) and isinstance(third, Document)
    with workspace.engine.connect() as connection:
        rows = repr(connection.execute(text("select * from jobs")).all())
    for said in (rows, jobs.log_tail(workspace, job.id)):
        assert "王阿姨" not in said and KEY not in said
    # what failed is tried again; what was written down is not sent again, nor after it was forgotten
    forget_readings(workspace, keys[:1])
    forget_reading(workspace, keys[1:])
    assert read_so_far(workspace, keys[1]) is None
    again = jobs.wait(workspace, start_reading(workspace, files, EAR).id, timeout=120)
    assert again.state == "succeeded" and len(api.heard) == 4 and api.heard[-1].audio == speech(1)
    assert all(isinstance(read_so_far(workspace, key), Document) for key in keys)


def test_a_wrong_key_ends_the_job_with_its_sentence_and_sends_no_more(
    workspace: Workspace, api: TranscriptionApi, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("EAR_KEY", "sk-wrong-key-of-the-ear")
    files = [(f"{number}.wav", speech(number)) for number in range(3)]
    job = jobs.wait(workspace, start_reading(workspace, files, EAR).id, timeout=120)
    assert job.state == "failed" and "EAR_KEY" in job.note and "sk-wrong" not in job.note
    assert len(api.heard) == 1
    assert [read_so_far(workspace, document_key(*file)) for file in files] == [None] * 3


def test_a_stopped_job_sends_no_more_and_what_was_written_down_stays(
    workspace: Workspace, api: TranscriptionApi
):
    files = [(f"{number}.wav", speech(number)) for number in range(3)]
    transcribe(workspace, EAR, *files[0])
    api.released.clear()
    job = start_reading(workspace, files, EAR)
    until(lambda: len(api.heard) == 2 or not jobs.get(workspace, job.id).active, 120)
    jobs.stop(workspace, job.id)
    assert jobs.wait(workspace, job.id, timeout=60).state == "stopped"
    api.released.set()
    read = [read_so_far(workspace, document_key(*file)) for file in files]
    assert isinstance(read[0], Document) and read[1:] == [None, None] and len(api.heard) == 2


def test_the_job_needs_the_key_of_its_server_alone(
    workspace: Workspace, api: TranscriptionApi, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("DEEPSEEK_API_KEY", "sk-key-of-somebody-else")
    job = jobs.wait(workspace, start_reading(workspace, [(NAME, speech())], EAR).id, timeout=120)
    assert job.state == "succeeded" and api.keys == [f"Bearer {KEY}"]
    assert json.loads(json.dumps(job.subject))["transcriber"]["provider"] == "ear"
