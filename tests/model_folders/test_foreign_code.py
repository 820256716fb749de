"""Models that bring Python code load whatever their folder is called and wherever caches may be written."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.families.bases import write_own_code
from tianji_core.jobs.environment import python_path
from tianji_core.model_folders.foreign_code import link_to

NAMES = ("internlm2.5-chat", "我的 模型 v1.0", ".making-chat")


@pytest.fixture(scope="module")
def bases(tmp_path_factory):
    folders = [tmp_path_factory.mktemp("place") / name for name in NAMES]
    for folder in folders:
        folder.mkdir()
        write_own_code(folder, fast=folder.name != NAMES[1])
    return folders


def answer(base: Path, home: Path | str, **variables: str) -> str:
    """What a process whose home folder is ``home`` lets the model answer."""
    asked = {
        "model": str(base),
        "requests": [{"system": "", "request": "祝妹妹生日", "max_tokens": 4}],
        "temperatures": [0],
        "batch": 1,
        "seed": 0,
        "runs_code": True,
    }
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": python_path(), "HOME": str(home), **variables}
    done = subprocess.run(
        [sys.executable, "-m", "tianji_core.model_folders.answering"],
        input=json.dumps(asked),
        capture_output=True,
        text=True,
        env=environment,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    *_told, last = done.stdout.splitlines()
    return json.loads(last)["answers"][0][0]


def test_a_folder_of_any_name_loads_and_answers_the_same(bases, tmp_path):
    answers = {answer(base, tmp_path) for base in (bases[0], bases[2])}
    assert len(answers) == 1 and answers != {""}
    cached = tmp_path / ".cache" / "huggingface" / "modules" / "transformers_modules"
    names = [path.name for path in cached.iterdir() if path.is_dir() and path.name.startswith("m_")]
    assert len(names) == 2 and all(name.isidentifier() for name in names)


def test_a_slow_tokenizer_alone_answers_too(bases, tmp_path):
    assert answer(bases[1], tmp_path)


def test_without_a_home_folder_the_modules_go_where_they_can(bases, workspace):
    expected = answer(bases[0], "/dev/null")
    assert answer(bases[0], "/dev/null", **workspace.cache_variables()) == expected
    modules = workspace.home / "cache" / "huggingface" / "modules"
    assert list(modules.glob("transformers_modules/m_*/modeling_wish.py"))


def test_a_link_follows_its_folder_and_two_folders_of_one_name_never_share_one(tmp_path):
    one, other = tmp_path / "a" / "chat", tmp_path / "b" / "chat"
    for folder in (one, other):
        folder.mkdir(parents=True)
    links = [link_to(folder, tmp_path / "cache") for folder in (one, other, one)]
    assert links[0] == links[2] != links[1]
    assert [link.resolve() for link in links] == [one, other, one]
    one.rename(tmp_path / "moved")
    one.symlink_to(tmp_path / "moved")
    assert link_to(one, tmp_path / "cache").resolve() == tmp_path / "moved"
