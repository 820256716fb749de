"""knowledge with recordings from the command line: sent only where a transcriber is named, and said so."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.generation.test_recordings import speech
from tests.loopback import loopback_api, says
from tests.transcription_server import KEY, TranscriptionApi, refuses, transcription_api, writes_down
from tianji_core.store import samples
from tianji_core.workspace import Workspace


@pytest.fixture
def api(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> Iterator[TranscriptionApi]:
    monkeypatch.setenv("CUSTOM_API_KEY", KEY)
    with transcription_api() as server:
        server.default = writes_down("王阿姨说，腊月二十三祭灶。")
        yield server


def ear(api: TranscriptionApi) -> tuple[str, ...]:
    address = ("--transcriber-url", api.url, "--transcriber-model", "whisper-1")
    return ("--transcriber", "custom", *address)


def test_a_recording_becomes_samples_and_is_sent_once(verb, workspace, api, tmp_path: Path):
    recording, notes = tmp_path / "王阿姨.mp3", tmp_path / "年俗.md"
    recording.write_bytes(speech())
    notes.write_text("腊八喝粥。", encoding="utf-8")
    files = (notes, recording)
    shown = verb("knowledge", *files, *ear(api), "--hide", "王阿姨", "--preview", "--json")
    assert api.url in shown.err and "录音本身会发到" in shown.err
    assert [chunk["text"] for chunk in shown.json()] == ["腊八喝粥。", "某某说，腊月二十三祭灶。"]
    assert [heard.filename for heard in api.heard] == ["recording.mp3"]
    with loopback_api() as teacher:
        teacher.default = says('[{"question": "哪天祭灶？", "answer": "腊月二十三"}]')
        words = ("--provider", "vllm", "--base-url", teacher.url, "--model", "m")
        said = verb("knowledge", recording, *ear(api), "--hide", "王阿姨", *words, "--json").json()
        assert "某某说" in teacher.prompts()[0] and "王阿姨" not in teacher.prompts()[0]
    assert said["pairs"] == 1 and len(api.heard) == 1
    found = samples.page(workspace.engine, samples.SampleFilter("wishes", source="knowledge"))
    assert [sample.output for sample in found] == ["腊月二十三"]
    assert list((workspace.home / "drafts" / "documents").glob("*")) == []


def test_nothing_is_sent_where_nobody_is_named_or_another_file_is_wrong(verb, api, tmp_path: Path):
    recording = tmp_path / "a.ogg"
    recording.write_bytes(speech())
    assert "--transcriber" in verb("knowledge", recording, "--preview").refusal
    assert "不转写录音" in verb("knowledge", recording, "--transcriber", "offline").refusal
    missing = verb("knowledge", recording, tmp_path / "nowhere.txt", *ear(api))
    assert "nowhere.txt" in missing.refusal
    assert "地址" in verb("knowledge", recording, *ear(api)[:2], "--transcriber-url", "ftp://x").refusal
    assert api.heard == []


def test_what_the_server_refuses_is_one_sentence(verb, workspace, api, tmp_path: Path, monkeypatch):
    recording = tmp_path / "a.flac"
    recording.write_bytes(speech())
    api.script.append(refuses(413, "at most 25 MB"))
    assert "at most 25 MB" in verb("knowledge", recording, *ear(api), "--preview").failure
    monkeypatch.setenv("CUSTOM_API_KEY", "sk-wrong-key-of-the-ear")
    wrong = verb("knowledge", recording, *ear(api), "--preview")
    assert wrong.code == 2 and "CUSTOM_API_KEY" in wrong.failure and "sk-wrong" not in wrong.err
    assert list((workspace.home / "drafts" / "documents").glob("*")) == []
