"""``train --bundle --sky`` writes a bundle and the task that trains it elsewhere, or neither."""

import yaml

from tests.tiny_base import add_version, write_tiny_base
from tianji_core.store import training as rows
from tianji_core.training.places.bundle import read_manifest


def test_the_bundle_and_its_task(verb, workspace, tmp_path):
    add_version(workspace)
    base = write_tiny_base(tmp_path / "base")
    bundle, file = tmp_path / "v1.tar", tmp_path / "v1.yaml"
    said = verb(
        "train", "--base", base, "--bundle", bundle, "--sky", file,
        "--sky-infra", "kubernetes", "--sky-volume", "data", "--sky-spot", "--json",
    ).json()  # fmt: skip
    task = yaml.safe_load(file.read_text(encoding="utf-8"))
    assert said == {"bundle": str(bundle), "sky": str(file), "command": f"sky jobs launch {file}"}
    assert list(task["file_mounts"].values()) == [str(bundle), str(base)]
    assert read_manifest(bundle).id in task["run"] and task["resources"]["use_spot"] is True


def test_nothing_is_written_where_something_is_refused(verb, workspace, tmp_path):
    add_version(workspace)
    bundle, file = tmp_path / "v1.tar", tmp_path / "v1.yaml"
    assert "--sky 要和 --bundle" in verb("train", "--sky", file).refusal
    assert "要和 --sky 一起用" in verb("train", "--bundle", bundle, "--sky-gpus", "L4").refusal
    assert "--sky-volume" in verb("train", "--bundle", bundle, "--sky", file, "--sky-spot").refusal
    several = ("--nodes", 2, "--address", "first")
    assert "台数改成 1" in verb("train", "--bundle", bundle, "--sky", file, *several).refusal
    file.write_text("mine", encoding="utf-8")
    assert verb("train", "--bundle", bundle, "--sky", file).refusal
    assert file.read_text(encoding="utf-8") == "mine"
    assert not bundle.exists() and rows.listed(workspace.engine) == []
