"""A model's manifest and card name everything that it learned from: mix and preference pairs, also those of
the trainings before."""

import json
from pathlib import Path

import pytest

from tests.preference_versions import add_merged, add_pairs
from tests.tiny_base import add_version, write_tiny_base
from tianji_core import models, training
from tianji_core.dataset import training_file
from tianji_core.model_folders.learnt import LearntPairs, LearntPart
from tianji_core.model_folders.manifest import MANIFEST, Artefact, read_artefact, write_artefact
from tianji_core.models.card import model_card
from tianji_core.models.making import learnt_by
from tianji_core.training import mixed_data
from tianji_core.training.mix_parts import read_part
from tianji_core.training.record import TrainingRecord
from tianji_core.training.settings import TrainingSettings
from tianji_core.workspace import Workspace


def made_of(workspace: Workspace, folder: Path, **learnt: object) -> Artefact:
    known = Artefact.model_validate(
        {
            "name": folder.name,
            "kind": "merged",
            "title": "学过的",
            "path": folder,
            "dataset_name": "v",
            **learnt,
        }
    )
    write_artefact(folder, known, workspace.home)
    return read_artefact(folder, workspace.home)


def test_the_parts_of_a_mix_are_named_with_hash_weight_and_share_of_tokens(
    workspace: Workspace, tmp_path: Path
) -> None:
    own, talk = add_version(workspace, "v", 60), add_version(workspace, "闲聊", 30)
    settings = training.default_settings("nano-cpu-qlora").model_copy(
        update={"base": str(write_tiny_base(tmp_path / "base")), "mix": (read_part("闲聊:0.25"),)}
    )
    run = training.prepare_training(workspace, "nano-cpu-qlora", settings, own)
    learnt = learnt_by(workspace, training.record_of(run))
    first, second = learnt["mix"]
    assert (first.version, first.sha256, first.weight, first.samples) == ("v", own.sha256, None, 60)
    assert (second.version, second.sha256, second.weight, second.samples) == ("闲聊", talk.sha256, 0.25, 20)
    assert second.share == 0.25 and second.token_share is not None
    assert 0.2 < second.token_share < 0.3 and abs(first.token_share + second.token_share - 1) < 1e-9
    (folder := workspace.models / "学过的").mkdir()
    made = made_of(workspace, folder, **learnt)
    assert made.mix == learnt["mix"]
    card = model_card(made, run)
    row = next(line for line in card.splitlines() if line.startswith("| 闲聊 |"))
    assert talk.sha256 in row and "25%" in row and f"{second.token_share:.1%}" in row
    assert "| 混入别的数据集 | 闲聊:0.25 |" in card
    assert "闲聊 20 条（25%，token 的" in models.learnt_by_models(workspace, ["学过的", "别处的"])["学过的"]


def test_a_version_of_which_only_some_were_drawn_is_not_called_whole(
    workspace: Workspace, tmp_path: Path
) -> None:
    own = add_version(workspace, "v", 60)
    add_version(workspace, "闲聊", 30)
    settings = training.default_settings("nano-cpu-qlora").model_copy(
        update={
            "base": str(write_tiny_base(tmp_path / "base")),
            "mix": (read_part("闲聊:0.25"),),
            "samples": 12,
        }
    )
    run = training.prepare_training(workspace, "nano-cpu-qlora", settings, own)
    (folder := workspace.models / "学过的").mkdir()
    card = model_card(made_of(workspace, folder, **learnt_by(workspace, training.record_of(run))), run)
    row = next(line for line in card.splitlines() if line.startswith("| v |"))
    assert "| 12 / 60 条 |" in row and "全部" not in row


def test_long_conversations_have_more_of_the_tokens_than_of_the_samples(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tianji_core.training.mixed_data.verify", lambda _workspace, _version: None)
    own, talk = add_version(workspace, "v", 60), add_version(workspace, "长谈", 20)
    file = training_file(workspace, talk)
    items = json.loads(file.read_text(encoding="utf-8"))
    for item in items:
        item["conversation"][0]["output"] *= 20
    file.chmod(0o600)
    file.write_text(json.dumps(items, ensure_ascii=False), encoding="utf-8")
    settings = training.default_settings("nano-cpu-qlora").model_copy(
        update={"base": str(write_tiny_base(tmp_path / "base")), "mix": (read_part("长谈:all"),)}
    )
    (folder := tmp_path / "work").mkdir()
    source = training_file(workspace, own)
    mixed_data.write_mixed(workspace, own, settings, source, folder)
    found = mixed_data.read_mix(folder)
    assert found is not None and found.learnt[1].share == 0.25 and found.learnt[1].token_share > 0.5


def test_pairs_of_earlier_trainings_and_the_mix_of_the_base_stay_in_the_list(
    workspace: Workspace, tmp_path: Path
) -> None:
    base = add_merged(workspace, write_tiny_base(tmp_path / "nano-base"))
    before = LearntPairs(version="旧票", sha256="a" * 64, count=30)
    part = LearntPart(version="闲聊", samples=20, share=0.25)
    known = read_artefact(base, workspace.home).model_copy(update={"mix": (part,), "pairs": (before,)})
    write_artefact(base, known, workspace.home)
    pairs = add_pairs(workspace)
    settings = training.default_settings("nano-cpu-dpo", workspace).model_copy(update={"pairs": "口味"})
    assert settings.base_folder == base
    record = training.record_of(
        training.prepare_training(
            workspace, "nano-cpu-dpo", settings, training.version_of_base(workspace, base)
        )
    )
    learnt = learnt_by(workspace, record)
    train = pairs.manifest["train"]
    assert learnt["mix"] == (part,)
    assert learnt["pairs"] == (
        before,
        LearntPairs(version="口味", sha256=train["sha256"], count=train["count"]),
    )
    card = model_card(made_of(workspace, base, **learnt), None)
    assert f"偏好对 口味（{train['count']} 对）：SHA-256 `{train['sha256']}`" in card and "旧票" in card


def test_models_of_an_older_studio_stay_readable(workspace: Workspace, tmp_path: Path) -> None:
    (folder := workspace.models / "旧").mkdir()
    made = made_of(workspace, folder)
    values = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    del values["mix"], values["pairs"]
    (folder / MANIFEST).write_text(json.dumps(values), encoding="utf-8")
    assert read_artefact(folder, workspace.home) == made and made.mix == made.pairs == ()
    assert "## 学了哪些数据" not in model_card(made, None)
    settings = TrainingSettings.model_validate(training.default_settings("nano-cpu-qlora").model_dump())
    assert learnt_by(workspace, TrainingRecord(settings=settings)) == {"mix": (), "pairs": ()}
