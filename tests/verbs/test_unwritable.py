"""A workspace that cannot be written, and circles of links: one sentence each, and no change."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.dataset.test_exporting import fill
from tianji_core import dataset
from tianji_core.errors import StudioError
from tianji_core.workspace import Workspace

pytestmark = pytest.mark.sqlite


def mount(*options: str) -> bool:
    return subprocess.run(["mount", *options], capture_output=True, check=False).returncode == 0


@pytest.fixture
def read_only(workspace: Workspace) -> Iterator[Workspace]:
    """A full workspace on a file system that is mounted for reading; needs the right to mount one."""
    fill(workspace, 4)
    dataset.freeze(workspace, "wishes", "v1")
    workspace.back_up()
    workspace.engine.dispose()
    home = str(workspace.home)
    if not mount("--bind", home, home):
        pytest.skip("this user may not mount a file system")
    try:
        assert mount("-o", "remount,ro,bind", home)
        yield workspace
    finally:
        workspace.engine.dispose()
        subprocess.run(["umount", "--lazy", home], check=True)


WORDS = (
    ("plan",),
    ("generate", "--limit", 1),
    ("export", "v1", "--form", "csv"),
    ("freeze", "--name", "v2"),
    ("review-stats",),
    ("backup",),
    ("restore", "--anew"),
    ("jobs",),
)


@pytest.mark.parametrize("words", WORDS, ids=lambda words: words[0])
def test_a_read_only_workspace_is_one_sentence(verb, read_only: Workspace, words: tuple[object, ...]) -> None:
    before = (read_only.home / "studio.db").stat()
    refusal = verb(*words).refusal
    assert str(read_only.home) in refusal and "不可写" in refusal
    assert (read_only.home / "studio.db").stat().st_mtime == before.st_mtime


def test_a_workspace_that_becomes_read_only_is_one_sentence(read_only: Workspace) -> None:
    with pytest.raises(StudioError, match=r"studio\.db"):
        fill(read_only, 1)


@pytest.mark.parametrize(
    "words",
    [
        ("import", "{circle}"),
        ("import", "{circle}/below"),
        ("export", "v1", "--output", "{circle}"),
        ("export", "v1", "--output", "{circle}/below"),
        ("export", "v1", "--form", "huggingface", "--output", "{circle}"),
        ("restore", "{circle}.db"),
        ("knowledge", "{circle}"),
        ("models", "--register", "{circle}"),
        ("train", "--base", "{circle}", "--check"),
        ("serve", "--model", "{circle}"),
        ("chat", "--model", "{circle}", "你好"),
        ("compare", "--file", "{circle}"),
        ("plan", "--workspace", "{circle}"),
    ],
    ids=" ".join,
)
def test_a_circle_of_links_is_one_sentence(verb, workspace: Workspace, tmp_path: Path, words) -> None:
    fill(workspace, 4)
    dataset.freeze(workspace, "wishes", "v1")
    circle = tmp_path / "circle"
    circle.symlink_to(circle)
    (tmp_path / "circle.db").symlink_to(tmp_path / "circle.db")
    said = verb(*(word.format(circle=circle) for word in words))
    assert said.code in (1, 2) and len(said.err.splitlines()) == 1, said.err
    assert "Traceback" not in said.err and "选项" not in said.err
    assert circle.is_symlink()
