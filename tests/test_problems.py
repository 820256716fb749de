"""A report about a problem: what helps is in it, and no key, no name and no text of a person."""

import base64
import io
import json
import socket
import zipfile
from pathlib import Path
from urllib.parse import quote

import pytest
from sqlalchemy import text

from tests.pages.opening import opened
from tests.verbs.conftest import verb as verb
from tianji_core import jobs
from tianji_core.errors import JobError
from tianji_core.problems import prepare_report, record_fault
from tianji_core.problems.redaction import without_private, without_texts
from tianji_core.store import jobs as job_store
from tianji_core.store.database import writing
from tianji_core.workspace import Workspace, open_workspace

KEY = "zQ7-known.Secret_of/this+person=42"
UNKNOWN_KEYS = (
    "sk-proj-Ab12Cd34Ef56Gh78",
    "hf_AbCdEfGhIjKlMnOpQr",
    "0123456789abcdef0123456789abcdef.AbCdEfGhIjKlMnOp",
)
TEXT = "祝外婆腊八节吃得香甜，夜里好梦到天明"
ENGLISH = "Dear grandma may your porridge be sweet"
HOME_NAME = "xiaoming-wang"


@pytest.fixture
def planted(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """A workspace with keys, names and texts in every place that a report is made from."""
    monkeypatch.setenv("DASHSCOPE_API_KEY", KEY)
    monkeypatch.setenv("HOME", f"/home/{HOME_NAME}")
    monkeypatch.setenv("TIANJI_NOTE", TEXT)
    space = open_workspace(workspace.home)
    settings = space.settings().model_copy(
        update={"reviewer": HOME_NAME, "model_mirror": "https://mirror.example"}
    )
    space.save_settings(settings)
    job = job_store.add(space.engine, "train", f"训练 {TEXT}", ["x"], {"A": KEY}, {})
    note = f"ValueError: '{TEXT}' at https://me:{KEY}@host.example/v1?token={UNKNOWN_KEYS[0]}"
    job_store.change(space.engine, job.id, state="failed", exit_code=1, note=note)
    forms = (
        KEY,
        quote(KEY, safe=""),
        base64.b64encode(KEY.encode()).decode(),
        KEY.encode().hex(),
        json.dumps(KEY),
    )
    lines = [
        *(f"11/30 01:18:05 - mmengine - INFO - form {form}" for form in forms),
        *(f"11/30 01:18:05 - mmengine - ERROR - Authorization: Bearer {key}" for key in UNKNOWN_KEYS),
        f"Sample output:\n<s>{TEXT}\n{ENGLISH}",
        "loss: 0.345  lr: 1.0e-03",
        "Traceback (most recent call last):",
        f'  File "/home/{HOME_NAME}/studio/train.py", line 7, in step',
        "    raise ValueError(text)",
        f"ValueError: {TEXT} {HOME_NAME}@example.com on {socket.gethostname()}",
    ]
    jobs.log_path(space, job.id).write_text("\n".join(lines) + "\n", encoding="utf-8")
    try:
        raise RuntimeError(f"page {TEXT} api_key={UNKNOWN_KEYS[1]}")
    except RuntimeError as error:
        record_fault(space, error)
    return space


def everything(packed: bytes) -> str:
    """All names and contents of a zip, one after the other."""
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        return "\n".join(f"{name}\n{archive.read(name).decode()}" for name in archive.namelist())


def test_no_key_no_name_and_no_text_is_in_a_report(planted):
    text = everything(prepare_report(planted).packed())
    forbidden = [KEY, quote(KEY, safe=""), base64.b64encode(KEY.encode()).decode(), KEY.encode().hex()]
    forbidden += [*UNKNOWN_KEYS, HOME_NAME, TEXT, TEXT[:8], TEXT[-8:], ENGLISH, "porridge", "mirror.example"]
    for word in forbidden:
        assert word not in text, word
    if len(socket.gethostname()) > 3:
        assert socket.gethostname() not in text


def test_what_helps_is_in_a_report(planted):
    files = {file.name: file.content for file in prepare_report(planted).files}
    assert list(files) == [
        "machine.json",
        "settings.json",
        "counts.json",
        "jobs.json",
        "studio.log",
        "job-1.log",
    ]
    assert json.loads(files["machine.json"])["packages"]["streamlit"] != "-"
    assert "DASHSCOPE_API_KEY" in json.loads(files["settings.json"])["variables_set"]
    counts = json.loads(files["counts.json"])
    assert counts["rows"]["jobs"] == 1 and counts["schema"]
    (job,) = json.loads(files["jobs.json"])
    assert (job["state"], job["exit_code"]) == ("failed", 1) and "title" not in job
    assert 'studio/train.py", line 7, in step' in files["job-1.log"]
    assert "loss: 0.345  lr: 1.0e-03" in files["job-1.log"] and "ValueError: " in files["job-1.log"]
    assert "RuntimeError" in files["studio.log"] and "test_problems.py" in files["studio.log"]


def test_a_database_without_a_revision_is_reported_too(workspace: Workspace):
    with writing(workspace.engine) as connection:
        connection.execute(text("DROP TABLE alembic_version"))
    files = {file.name: file.content for file in prepare_report(workspace).files}
    assert json.loads(files["counts.json"])["schema"] == ""


def test_texts_are_in_it_when_they_are_asked_for_and_keys_never(planted):
    text = everything(prepare_report(planted, [1], texts=True).packed())
    assert TEXT in text and ENGLISH in text
    for word in (KEY, *UNKNOWN_KEYS, HOME_NAME):
        assert word not in text, word
    assert "job-1.log" not in everything(prepare_report(planted, []).packed()).splitlines()
    with pytest.raises(JobError):
        prepare_report(planted, [7])


def test_the_verb_lists_first_and_writes_what_it_listed(planted, verb, tmp_path):
    listed = verb("report-problem", "--list", "--json").json()["files"]
    assert verb("report-problem", "--list").out.splitlines()[0].startswith("machine.json")
    assert "loss: 0.345" in verb("report-problem", "--view", "job-1.log").out
    target = tmp_path / "problem.zip"
    made = verb("report-problem", "--output", target, "--json").json()
    assert made["files"] == listed and Path(made["file"]) == target
    with zipfile.ZipFile(target) as archive:
        assert archive.namelist() == [file["name"] for file in listed]
    assert "没有“x”" in verb("report-problem", "--view", "x").refusal
    assert "--jobs" in verb("report-problem", "--jobs", "x").refusal


def test_the_page_shows_what_is_in_it_before_it_is_saved(planted):
    app = opened("settings")
    app.toggle(key="problem_list").set_value(True).run()
    assert not app.exception
    table = next(frame.value for frame in app.dataframe if "job-1.log" in str(frame.value))
    assert "machine.json" in str(table)
    assert TEXT not in "".join(code.value for code in app.code)


def test_a_message_of_the_studio_stays_and_what_it_quotes_goes():
    line = "tianji_core: 样例工作区在 /data/x；不要了就删掉它"
    assert without_texts(line) == "…样例工作区在…；不要了就删掉它\n"
    assert without_texts(f"{TEXT}\n\n{ENGLISH}") == "[1 lines left out]\n\n[1 lines left out]\n"
    assert without_private("see https://a:b@h.example/x?k=v") == "see https://••••@h.example/x?••••"
