"""A training packed, and unpacked in the workspace of another machine."""

import hashlib
import io
import json
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.tiny_base import add_version, write_tiny_base
from tianji_core import training
from tianji_core.errors import DiskFullError, InputError, MissingBaseError, PlaceError
from tianji_core.model_folders.base import fingerprint
from tianji_core.store import datasets
from tianji_core.store import training as rows
from tianji_core.training import engine
from tianji_core.training.launch import check_again
from tianji_core.training.mix_parts import read_part
from tianji_core.training.places import received, sending
from tianji_core.training.places.bundle import DATA, MANIFEST, base_of, make_bundle, read_manifest, unpack
from tianji_core.training.places.profile import checked_place, place_named, remove_place, save_place
from tianji_core.training.places.sending import pack, start_elsewhere
from tianji_core.workspace import Workspace, open_workspace

KEY = "nano-cpu-qlora"


@pytest.fixture
def packed(workspace: Workspace, tmp_path: Path) -> Path:
    base = write_tiny_base(tmp_path / "base")
    values = {"base": str(base), "epochs": 1, "max_length": 256}
    settings = training.default_settings(KEY).model_copy(update=values)
    version = add_version(workspace)
    run = training.prepare_training(workspace, KEY, settings, version, "试训", place="lab")
    return make_bundle(workspace, run, training.preset(KEY), version, base_of(base, fingerprint(base)))


@pytest.fixture
def there(tmp_path: Path) -> Workspace:
    return open_workspace(tmp_path / "there")


def test_what_was_mixed_in_is_known_there_too(workspace: Workspace, there: Workspace, tmp_path: Path) -> None:
    base, version = write_tiny_base(tmp_path / "base"), add_version(workspace)
    add_version(workspace, "闲聊", 30)
    values = {"base": str(base), "epochs": 1, "max_length": 256, "mix": (read_part("闲聊:0.25"),)}
    settings = training.default_settings(KEY).model_copy(update=values)
    sent = training.prepare_training(workspace, KEY, settings, version, "试训", place="lab")
    about = base_of(base, fingerprint(base))
    name = arrived(there, make_bundle(workspace, sent, training.preset(KEY), version, about))
    run = received.accept(there, name, str(base))
    mixed = training.record_of(run).mixed
    assert mixed is not None and mixed == training.record_of(sent).mixed and len(mixed.learnt) == 2
    check_again(there, run)


def arrived(there: Workspace, packed: Path) -> str:
    name = read_manifest(packed).id
    (received.incoming(there) / f"{name}.tar").write_bytes(packed.read_bytes())
    return name


def test_it_becomes_one_training_of_the_workspace_there(
    packed: Path, there: Workspace, tmp_path: Path
) -> None:
    name = arrived(there, packed)
    with pytest.raises(MissingBaseError, match="没有基座 base；请把它放到"):
        received.accept(there, name)
    write_tiny_base(there.models / "base", seed=1)
    with pytest.raises(MissingBaseError, match="不是同一个基座"):
        received.accept(there, name)
    run = received.accept(there, name, str(tmp_path / "base"))
    assert received.accept(there, name).id == run.id and len(rows.listed(there.engine)) == 1
    record = training.record_of(run)
    assert (run.title, record.bundle, record.settings.base) == ("试训", name, str(tmp_path / "base"))
    config = (training.work_folder(there, run) / engine.CONFIG_NAME).read_text(encoding="utf-8")
    data = engine.data_file(config)
    assert data.is_relative_to(there.home) and len(json.loads(data.read_text(encoding="utf-8"))) == 60
    state = received.state_of(there, rows.get(there.engine, run.id))
    assert (state["state"], state["active"], state["files"]) == ("missing", False, {})
    assert not list(received.incoming(there).glob("*.tar"))


def changed(packed: Path, target: Path, name: str, content: bytes | None, called: str = "") -> Path:
    """A copy of a bundle in which one file has another content or name, or is missing."""
    with tarfile.open(packed) as old, tarfile.open(target, "w") as new:
        for entry in old:
            inside = old.extractfile(entry)
            data = inside.read() if inside is not None else b""
            if entry.name == name:
                if content is None and not called:
                    continue
                data = data if content is None else content
                entry.name, entry.size = called or entry.name, len(data)
            new.addfile(entry, io.BytesIO(data))
    return target


def changed_preset(packed: Path, target: Path) -> Path:
    """A whole bundle whose preset is no preset of a studio."""
    manifest = json.loads(read_manifest(packed).model_dump_json())
    with tarfile.open(packed) as tar:
        inside = tar.extractfile("preset.txt")
        assert inside is not None
        text = inside.read() + b"\nimport os\n"
    manifest["files"]["preset.txt"] = {"size": len(text), "sha256": hashlib.sha256(text).hexdigest()}
    half = changed(packed, target.with_suffix(".half"), "preset.txt", text)
    return changed(half, target, MANIFEST, json.dumps(manifest).encode())


def lies(manifest: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Manifests that name other files, sizes or folders than a studio does."""
    parts, base = manifest["files"], manifest["base"]
    for name in ("../escaped.py", "/tmp/escaped.py", "notes.txt"):
        yield {**manifest, "files": {**parts, name: parts[DATA]}}
    yield {**manifest, "files": {**parts, DATA: {**parts[DATA], "size": parts[DATA]["size"] + 1}}}
    yield {**manifest, "files": {name: part for name, part in parts.items() if name != "preset.txt"}}
    for changes in ({"name": ".."}, {"name": "a/b"}, {"inside": "models/../../etc"}, {"inside": "/etc"}):
        yield {**manifest, "base": {**base, **changes}}


def test_a_file_with_holes_is_refused(packed: Path, tmp_path: Path) -> None:
    """Such an entry claims any size on the disk with a few bytes in the bundle."""
    sparse = tmp_path / "sparse.tar"
    with tarfile.open(packed) as old, tarfile.open(sparse, "w", format=tarfile.GNU_FORMAT) as new:
        for entry in old:
            inside = old.extractfile(entry)
            data = inside.read() if inside is not None else b""
            if entry.name == DATA:
                entry.type = tarfile.GNUTYPE_SPARSE
            new.addfile(entry, io.BytesIO(data))
    (tmp_path / "out").mkdir()
    with pytest.raises(PlaceError, match="不完整或坏了"):
        unpack(sparse, tmp_path / "out")
    assert not (tmp_path / "out" / DATA).exists()


def test_a_damaged_or_foreign_bundle_is_refused_and_nothing_is_left(
    packed: Path, there: Workspace, tmp_path: Path
) -> None:
    manifest = json.loads(read_manifest(packed).model_dump_json())
    newer = json.dumps({**manifest, "format": 99}).encode()
    for name, content, called, sentence in (
        (DATA, b"[]", "", "不完整或坏了"),
        (DATA, None, "", "不完整或坏了"),
        ("preset.txt", None, "../../escaped.py", "不完整或坏了"),
        ("preset.txt", b"import os", "", "不完整或坏了"),
        ("recipe.json", b"null", "", "不完整或坏了"),
        *((MANIFEST, json.dumps(lie).encode(), "", "不完整或坏了") for lie in lies(manifest)),
        (MANIFEST, b"{}", "", "另一个版本的工坊"),
        (MANIFEST, newer, "", r"格式 99"),
    ):
        folder = tmp_path / f"out-{len(list(tmp_path.iterdir()))}"
        folder.mkdir()
        with pytest.raises(PlaceError, match=sentence):
            unpack(changed(packed, tmp_path / "changed.tar", name, content, called), folder)
    (tmp_path / "half.tar").write_bytes(packed.read_bytes()[:4000])
    with pytest.raises(PlaceError, match="不完整或坏了"):
        unpack(tmp_path / "half.tar", tmp_path / "out")
    assert not (tmp_path / "escaped.py").exists() and not (tmp_path.parent / "escaped.py").exists()
    name = arrived(there, packed)
    (received.incoming(there) / f"{name}.tar").write_bytes(packed.read_bytes()[: packed.stat().st_size // 2])
    with pytest.raises(PlaceError, match="不完整或坏了"):
        received.accept(there, name)
    assert rows.listed(there.engine) == [] and not list(there.runs.glob("training-*"))


def test_places_are_kept_and_what_does_not_fit_is_named(workspace: Workspace) -> None:
    save_place(workspace, checked_place({"name": "实验室", "host": "10.0.0.5", "key": "~/.ssh/id"}))
    save_place(workspace, checked_place({"name": "实验室", "host": "10.0.0.6"}))
    assert place_named(workspace, "实验室").host == "10.0.0.6"
    with pytest.raises(PlaceError, match="没有运行位置“x”，有的是：实验室"):
        place_named(workspace, "x")
    remove_place(workspace, "实验室")
    for values, sentence in (
        ({"name": "a b", "host": "h"}, "“名字”要填 1 到 40 个"),
        ({"name": "a", "host": "-oProxyCommand=x"}, "“主机”要填主机名或 IP"),
        ({"name": "a", "host": "h", "user": "-l"}, "“用户名”要填那边的用户名"),
        ({"name": "a", "host": "h", "port": 0}, "“端口”"),
        ({"name": "a", "host": "h", "folder": "a\nb"}, "“那边的工作区”要填一行路径"),
        ({"name": "a"}, "要填主机"),
    ):
        with pytest.raises(PlaceError, match=sentence):
            checked_place(values)


def test_a_bundle_is_carried_by_hand(workspace: Workspace, there: Workspace, tmp_path: Path) -> None:
    """The training stays here as one that was not started, and is known there under the bundle's name."""
    base = write_tiny_base(tmp_path / "base")
    settings = training.default_settings(KEY).model_copy(update={"base": str(base), "epochs": 1})
    file = tmp_path / "out" / "训练.tar"
    with pytest.raises(InputError, match="写不了"):
        pack(workspace, KEY, settings, add_version(workspace), file)
    assert rows.listed(workspace.engine) == [] and not list(workspace.runs.glob("training-*"))
    file.parent.mkdir()
    pack(workspace, KEY, settings, datasets.by_name(workspace.engine, "v1"), file)
    with pytest.raises(InputError, match="已经有了"):
        pack(workspace, KEY, settings, datasets.by_name(workspace.engine, "v1"), file)
    assert {training.training_state(workspace, run).state for run in rows.listed(workspace.engine)} == {
        "missing"
    }
    foreign = changed_preset(file, tmp_path / "foreign.tar")
    with pytest.raises(PlaceError, match="确认来源可信后加上 --trust-preset"):
        received.train_bundle(there, foreign)
    assert not list(received.incoming(there).glob("*.tar"))
    with pytest.raises(MissingBaseError, match="没有基座 base"):
        received.train_bundle(there, foreign, trusted=True)
    (received.incoming(there) / f"{read_manifest(file).id}.tar").unlink()
    assert len(rows.listed(workspace.engine)) == len(list(workspace.runs.glob("training-*"))) == 1
    with pytest.raises(MissingBaseError, match="没有基座 base"):
        received.train_bundle(there, file)
    assert (
        received.accept(there, read_manifest(file).id, str(base)).title
        == rows.listed(workspace.engine)[0].title
    )


def test_nothing_is_left_of_a_training_whose_bundle_cannot_be_made(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_given: object) -> Path:
        raise DiskFullError("full")

    monkeypatch.setattr(sending, "make_bundle", full)
    version, settings = add_version(workspace), training.default_settings(KEY)
    place = checked_place({"name": "lab", "host": "127.0.0.1"})
    for begin in (
        lambda: pack(workspace, KEY, settings, version, tmp_path / "训练.tar"),
        lambda: start_elsewhere(workspace, KEY, settings, version, place),
    ):
        with pytest.raises(DiskFullError):
            begin()
        assert rows.listed(workspace.engine) == [] and not list(workspace.runs.glob("training-*"))
