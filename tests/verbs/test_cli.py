"""Every verb has help and a workspace, answers in JSON where it says so, and refuses a wrong command line in
one Chinese sentence."""

import contextlib
import json
import os
import re
import socket
import subprocess
import sys

import pytest

from tianji_core.cli import VERBS


@pytest.mark.parametrize("name", VERBS)
def test_every_verb_has_help_and_takes_a_workspace(verb, name):
    said = verb(name, "--help")
    assert said.code == 0
    assert "--workspace" in said.out
    first = said.out.split("Usage:")[1].strip().splitlines()
    assert any(line.strip().endswith(".") for line in first)


def test_without_a_verb_the_studio_opens(tmp_path):
    """Its port is taken here, so that it says so instead of opening."""
    with socket.socket() as taken:
        with contextlib.suppress(OSError):  # by another program: just as well
            taken.bind(("127.0.0.1", 6006))
            taken.listen()
        ran = subprocess.run(
            [sys.executable, "-m", "tianji_core"],
            env={**os.environ, "TIANJI_HOME": str(tmp_path / "workspace")},
            capture_output=True,
            text=True,
            timeout=120,
        )
    assert ran.returncode == 2 and "端口 6006 已被占用" in ran.stderr


def test_the_overview_names_every_verb(verb):
    overview = verb("--help")
    assert overview.code == 0 and all(name in overview.out for name in VERBS)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ("nonsense", "没有命令“nonsense”"),
        ("plan --bogus", "没有选项 --bogus"),
        ("plan --threshold 5", "--threshold 应当不大于 2，写的是 5"),
        ("plan --rounds abc", "--rounds 应当是整数，写的是 abc"),
        ("plan --seed", "--seed 后面要写一个值"),
        ("plan extra words", "多写了“extra words”"),
        ("freeze", "没有给出 --name"),
        ("generate --temperature 9", "--temperature 应当不大于 2"),
        ("jobs --stop 99999999999999999999999", "--stop 应当不大于"),
        ("convert --training 0", "--training 应当不小于 1"),
        ("serve --port 99999", "--port 应当不大于 65535"),
    ],
)
def test_a_command_line_that_cannot_be_read(verb, arguments, sentence):
    refusal = verb(*arguments.split()).refusal
    assert sentence in refusal and "--help" in refusal


def test_the_review_is_told_in_words(verb):
    verb("generate", "--limit", 20, "--mistakes", 0.9)
    said = verb("review-stats").out
    assert "待审 20，采用 0，弃用 0" in said and "问题：" in said
    assert re.findall("[a-z]{3,}", said) == []


def test_json_of_every_verb_that_works_without_a_model(verb, workspace, tmp_path):
    assert verb("plan", "--limit", 30, "--json").json()["tasks"] == 30
    made = verb("generate", "--limit", 30, "--mistakes", 0.3, "--json").json()
    assert (made["done"], made["failed"], made["pending"]) == (30, 0, 0)
    assert verb("clean", "--fix", "--json").json()["checked"] == 30
    assert verb("reject", "--ids", "1", "--json").json() == {"state": "rejected", "count": 1}
    assert verb("undo", "--json").json()["count"] == 1
    accepted = verb("accept", "--json").json()["count"]
    stats = verb("review-stats", "--json").json()
    assert stats["states"]["accepted"] == accepted == 30
    assert stats["reviewers"][0]["decided"] == 30 and stats["agreement"][0]["judged"] == 0
    assert verb("freeze", "--name", "v1", "--json").json()["count"] == 30
    assert [version["name"] for version in verb("datasets", "--json").json()] == ["v1"]
    exported = verb("export", "v1", "--form", "alpaca", "--json").json()["path"]
    imported = verb("import", exported, "--json").json()
    assert [report["added"] + report["known"] for report in imported] == [30]
    assert verb("train", "--check", "--json").json()["checks"]
    assert [model["kind"] for model in verb("models", "--json").json()] == ["base"]
    assert [job["state"] for job in verb("jobs", "--json").json()] == ["succeeded"]
    assert "30" in verb("jobs", "--log", 1, "--json").json()["log"]
    assert verb("doctor", "--json").json()["workspace"] == str(workspace.home)


def test_the_workspace_is_the_one_that_is_named(verb, workspace, tmp_path):
    other = tmp_path / "other"
    assert verb("generate", "--limit", 2, "--workspace", other).code == 0
    assert json.loads(verb("review-stats", "--json", "--workspace", other).out)["states"]["pending"] == 2
    assert verb("review-stats", "--json").json()["states"]["pending"] == 0
