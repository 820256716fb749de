"""A training may vary its data: a copy in its work folder, the same for the same seed; the version and its
validation set stay as they are."""

import json
from pathlib import Path

import pytest

from benchmarks.learning_effect import lesson_settings
from tianji_core import dataset, training
from tianji_core.dataset import DatasetVersion
from tianji_core.errors import TrainingError
from tianji_core.recipe import built_in_recipe
from tianji_core.store import samples
from tianji_core.store.database import writing
from tianji_core.store.samples import ACCEPTED, IMPORT, NewSample
from tianji_core.training.config import rendered_config
from tianji_core.training.presets import preset
from tianji_core.training.settings import TrainingSettings
from tianji_core.training.varied_data import VARIED_TRAIN, read_examples, training_data
from tianji_core.workspace import Workspace

KEY = "nano-cpu-qlora"
RECIPE = built_in_recipe("wishes")


@pytest.fixture
def version(workspace: Workspace) -> DatasetVersion:
    rows = [
        NewSample(
            "wishes",
            "s",
            f"祝{name}{scene}",
            f"{name}，{scene}快乐！愿{you}平安喜乐，天天都有好心情。",
            name=name,
            scene=scene,
            style="正常",
            state=ACCEPTED,
        )
        for name, you in (("赵老师", "您"), ("李总", "您"), ("妹妹", "你"), ("同学", "你"))
        for scene in ("生日", "春节", "元宵节")
    ]
    with writing(workspace.engine) as connection:
        samples.insert_new(connection, rows, IMPORT)
    split = dataset.Balance(validation=0.2)
    return dataset.freeze(workspace, "wishes", "v", balance=split)


def varied(share: float, seed: int = 42) -> TrainingSettings:
    changes = {"vary_names": share, "vary_occasions": 0, "seed": seed}
    return training.checked_settings({**training.default_settings(KEY).model_dump(), **changes})


def test_without_a_share_a_training_reads_the_version_itself(
    workspace: Workspace, version: DatasetVersion, tmp_path: Path
) -> None:
    file = training_data(workspace, version, varied(0), tmp_path)
    assert file == dataset.training_file(workspace, version) and not (tmp_path / VARIED_TRAIN).exists()


def test_a_share_of_the_names_changes_in_a_copy_by_the_seed(
    workspace: Workspace, version: DatasetVersion, tmp_path: Path
) -> None:
    before = dataset.training_file(workspace, version)
    folders = [tmp_path / str(n) for n in range(3)]
    for folder in folders:
        folder.mkdir()
    same, again, other = (
        training_data(workspace, version, varied(0.5, seed), folder).read_bytes()
        for folder, seed in zip(folders, (42, 42, 7), strict=True)
    )
    assert same == again != other and before.read_bytes() not in (same, other)
    texts = [item["conversation"][0] for item in json.loads(same)]
    old = [item["conversation"][0] for item in json.loads(before.read_text(encoding="utf-8"))]
    changed = [(a, b) for a, b in zip(old, texts, strict=True) if a != b]
    assert len(changed) == round(0.5 * version.count)
    assert all(a["system"] == b["system"] and "快乐" in b["output"] for a, b in changed)


def test_the_config_reads_the_copy_and_the_validation_set_of_the_version(
    workspace: Workspace, version: DatasetVersion, tmp_path: Path
) -> None:
    settings = varied(1.0)
    file, frozen = (
        training_data(workspace, version, settings, tmp_path),
        dataset.training_file(workspace, version),
    )
    text = rendered_config(preset(KEY), settings, file, frozen=frozen)
    assert file.name == VARIED_TRAIN and str(file) in text
    assert str(dataset.validation_file(workspace, version)) in text


def test_cells_are_read_from_the_questions_of_a_training_file(
    workspace: Workspace, version: DatasetVersion
) -> None:
    read = list(read_examples(RECIPE, dataset.training_file(workspace, version)))
    assert {(e.name, e.scene, e.style) for e in read} <= {
        (name, scene, "正常")
        for name in ("赵老师", "李总", "妹妹", "同学")
        for scene in ("生日", "春节", "元宵节")
    }


@pytest.mark.parametrize("share", [-0.1, 1.5])
def test_a_share_out_of_bounds_is_refused(share: float) -> None:
    with pytest.raises(TrainingError, match="换人"):
        varied(share)


def test_the_embedded_presets_vary_what_the_version_does_not_vary_yet(
    workspace: Workspace, version: DatasetVersion, tmp_path: Path
) -> None:
    usual = training.default_settings(KEY)
    assert (usual.vary_names, usual.vary_occasions) == (0.5, 0.5)
    assert training.default_settings("internlm2-chat-7b-qlora").vary_names == 0
    assert training_data(workspace, version, usual, tmp_path).name == VARIED_TRAIN
    already = dataset.Variation(names=0.5, occasions=0.5)
    done = dataset.freeze(workspace, "wishes", "already", variation=already)
    assert training_data(workspace, done, usual, tmp_path) == dataset.training_file(workspace, done)


@pytest.mark.parametrize("frozen_with", [0.0, 0.25])
def test_the_learning_benchmark_varies_as_many_samples_as_it_froze(
    workspace: Workspace, version: DatasetVersion, tmp_path: Path, frozen_with: float
) -> None:
    fewer = dataset.freeze(workspace, "wishes", "fewer", variation=dataset.Variation(names=frozen_with))
    settings = lesson_settings(Path("base"), 1, as_frozen=True)
    assert training_data(workspace, fewer, settings, tmp_path) == dataset.training_file(workspace, fewer)
    usual = lesson_settings(Path("base"), 1, as_frozen=False)
    assert training_data(workspace, fewer, usual, tmp_path).name == VARIED_TRAIN
