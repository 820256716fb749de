"""Exports, reports and backups: no path that the studio did not write is replaced, whatever it is."""

import json
import os
import stat
from pathlib import Path

import pytest

from tests.dataset.test_exporting import fill
from tianji_core import dataset
from tianji_core.dataset import DatasetVersion
from tianji_core.errors import InputError, StudioError
from tianji_core.outputs import check_output_file, output_file, write_output, write_output_folder
from tianji_core.store import datasets
from tianji_core.workspace import Workspace

FORMS = (dataset.MERGED, dataset.CSV, dataset.MESSAGES, dataset.PARQUET, dataset.HUB)


@pytest.fixture
def version(workspace: Workspace) -> DatasetVersion:
    fill(workspace, 6)
    return dataset.freeze(workspace, "wishes", "v1")


def tree(folder: Path) -> list[tuple[str, int, bytes]]:
    """Every path below a folder with its kind and content."""
    return [
        (
            str(path.relative_to(folder)),
            stat.S_IFMT(path.lstat().st_mode),
            path.read_bytes() if path.is_file() else b"",
        )
        for path in sorted(folder.rglob("*"))
    ]


def in_the_way(kind: str, folder: Path) -> Path:
    """Makes something of a person's in ``folder`` and returns its path."""
    path = folder / "mine"
    if kind == "file":
        path.write_text("a person's", encoding="utf-8")
    elif kind == "empty file":
        path.touch()
    elif kind in ("folder", "linked folder"):
        target = path if kind == "folder" else folder / "elsewhere"
        (target / "letters").mkdir(parents=True)
        (target / "letters" / "a.txt").write_text("dear", encoding="utf-8")
        if target != path:
            path.symlink_to(target)
    elif kind == "empty folder":
        path.mkdir()
    elif kind == "linked file":
        (folder / "elsewhere").write_text("a person's", encoding="utf-8")
        path.symlink_to(folder / "elsewhere")
    elif kind == "dangling link":
        path.symlink_to(folder / "nowhere")
    elif kind == "circle":
        path.symlink_to(path)
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "device":
        return Path("/dev/null")
    return path


KINDS = (
    "file",
    "empty file",
    "folder",
    "linked folder",
    "empty folder",
    "linked file",
    "dangling link",
    "circle",
    "pipe",
    "device",
)


@pytest.mark.parametrize("overwrite", [False, True])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("form", FORMS)
def test_an_export_leaves_what_is_in_its_way(
    workspace: Workspace, version: DatasetVersion, tmp_path: Path, form: str, kind: str, overwrite: bool
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    path = in_the_way(kind, home)
    before = tree(home)
    with pytest.raises(InputError, match=path.name):
        dataset.export(workspace, version, form, path, overwrite=overwrite)
    assert tree(home) == before
    assert stat.S_ISCHR(Path("/dev/null").stat().st_mode)


@pytest.mark.parametrize("form", FORMS)
def test_an_export_replaces_its_own_on_demand_and_only_unchanged(
    workspace: Workspace, version: DatasetVersion, tmp_path: Path, form: str
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    target = home / "out"
    dataset.export(workspace, version, form, target)
    first = tree(home)
    dataset.export(workspace, version, form, target)  # the same again
    assert tree(home) == first
    fill(workspace, 7)
    other = dataset.freeze(workspace, "wishes", "v2")
    with pytest.raises(InputError, match="--overwrite"):
        dataset.export(workspace, other, form, target)
    assert tree(home) == first
    dataset.export(workspace, other, form, target, overwrite=True)
    second = tree(home)
    assert second != first
    note = target / "note.txt" if target.is_dir() else target
    note.write_text("a person's note", encoding="utf-8")
    changed = tree(home)
    with pytest.raises(InputError, match="不是工坊写的"):
        dataset.export(workspace, version, form, target, overwrite=True)
    assert tree(home) == changed


@pytest.mark.parametrize("place", ["datasets", "datasets/v1", "models", "studio.db", "."])
def test_an_export_does_not_replace_the_workspaces_own(
    workspace: Workspace, version: DatasetVersion, place: str
) -> None:
    with pytest.raises(InputError):
        dataset.export(workspace, version, dataset.HUB, workspace.home / place, overwrite=True)
    with pytest.raises(InputError):
        dataset.export(workspace, version, dataset.CSV, workspace.home / place, overwrite=True)
    dataset.verify(workspace, version)


def test_a_missing_folder_is_named_and_not_made(
    workspace: Workspace, version: DatasetVersion, tmp_path: Path
) -> None:
    for form in FORMS:
        with pytest.raises(InputError, match="不存在"):
            dataset.export(workspace, version, form, tmp_path / "no" / "such" / "file")
    assert not (tmp_path / "no").exists()


def test_a_version_is_not_put_over_a_persons_folder(workspace: Workspace) -> None:
    mine = workspace.datasets / "v1"
    mine.mkdir()
    (mine / "thesis.txt").write_text("years of work", encoding="utf-8")
    fill(workspace, 6)
    with pytest.raises(StudioError, match="v1"):
        dataset.freeze(workspace, "wishes", "v1")
    assert (mine / "thesis.txt").read_text() == "years of work"
    assert datasets.find(workspace.engine, "v1") is None


def test_a_failed_output_leaves_nothing(workspace: Workspace, tmp_path: Path) -> None:
    def fails(folder: Path) -> None:
        (folder / "half").touch()
        raise RuntimeError

    with pytest.raises(RuntimeError), output_file(workspace, tmp_path / "a.txt") as draft:
        draft.write_text("half", encoding="utf-8")
        raise RuntimeError
    with pytest.raises(RuntimeError):
        write_output_folder(workspace, tmp_path / "b", fails)
    assert [path.name for path in tmp_path.iterdir()] == ["workspace"]


def test_a_path_is_checked_before_the_work(workspace: Workspace, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    check_output_file(workspace, page)
    write_output(workspace, page, "<p>1</p>")
    with pytest.raises(InputError, match="--overwrite"):
        check_output_file(workspace, page)
    check_output_file(workspace, page, overwrite=True)
    page.write_text("mine", encoding="utf-8")
    with pytest.raises(InputError, match="不是工坊写的"):
        check_output_file(workspace, page, overwrite=True)


def test_a_ledger_that_is_broken_lets_nothing_be_replaced(workspace: Workspace, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    write_output(workspace, page, "1")
    for content in ("", "[]", "[" * 100_000, json.dumps({str(page): 1})):
        (workspace.home / "written.json").write_text(content, encoding="utf-8")
        with pytest.raises(InputError, match="不是工坊写的"):
            write_output(workspace, page, "2", overwrite=True)
    assert page.read_text() == "1"
