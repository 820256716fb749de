"""What a training was started with is stored as one flat JSON object, and rows of an older studio stay
readable."""

import pytest

from tianji_core import training
from tianji_core.errors import TrainingError
from tianji_core.project import NANO_FOLDER
from tianji_core.store import training as rows
from tianji_core.training import Target, TrainingRecord, record_of
from tianji_core.training.record import Origin

KEY = "nano-cpu-qlora"


def test_a_record_comes_back_as_it_was_stored(workspace):
    record = TrainingRecord(
        settings=training.default_settings(KEY),
        target=Target(gpus=(0, 2), processes=2),
        places=("gpu0", "gpu2"),
        place_count=2,
        base_fingerprint="a" * 32,
        dataset_name="v1",
        dataset_sha256="b" * 64,
        origin=Origin(run=3, iteration=8, mode="weights", checkpoint="runs/training-4/origin/iter_8.pth"),
        held=("gpu0", "gpu2"),
        began=1.5,
    )
    run = rows.add(workspace.engine, "试", KEY, None, record.stored())
    assert run.settings["learning_rate"] == record.settings.learning_rate and "settings" not in run.settings
    assert record_of(rows.get(workspace.engine, run.id)) == record


def test_a_row_of_an_older_studio_has_the_values_it_acted_by(workspace):
    settings = training.default_settings(KEY)
    later = ("template", "eval_interval", "profile")  # settings that came later
    stored = settings.model_dump(mode="json", exclude=set(later))
    record = record_of(
        rows.add(workspace.engine, "旧", KEY, None, {**stored, "gone": "a setting of that time"})
    )
    assert record.settings == settings and record.target == Target()
    assert (record.places, record.place_count, record.origin) == (("cpu",), 1, None)


def test_an_unreadable_row_is_refused_by_its_number(workspace):
    run = rows.add(workspace.engine, "坏", KEY, None, {"learning_rate": "fast"})
    with pytest.raises(TrainingError, match=f"训练 {run.id} 保存的设置读不懂"):
        record_of(run)


def test_a_training_of_a_moved_program_has_the_built_in_base_of_this_installation(workspace):
    settings = training.default_settings(KEY)
    stored = {**settings.model_dump(mode="json"), "base": "/old/configs/models/nano-base"}
    run = rows.add(workspace.engine, "搬过家", KEY, None, stored)
    assert record_of(run).settings.base_folder == NANO_FOLDER
