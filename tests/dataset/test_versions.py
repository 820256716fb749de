"""A dataset version is exactly what was accepted, in the training format, and stays that way."""

import json
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from tianji_core import dataset
from tianji_core.errors import DatasetError
from tianji_core.files import sha256
from tianji_core.i18n import _
from tianji_core.store import datasets, samples, steps
from tianji_core.store.acceptance import acceptance
from tianji_core.store.database import writing
from tianji_core.store.samples import ACCEPTED, IMPORT, NewSample, SampleFilter
from tianji_core.store.schema import samples as table
from tianji_core.workspace import Workspace


def fill(workspace: Workspace, number: int = 6) -> list[int]:
    new = [
        NewSample(
            "wishes",
            "系统提示",
            f"祝妹妹生日{n}",
            f'第{n}个“生日”\n快乐呀🎂 \\ "引号"',
            name="妹妹" if n % 2 else "爷爷",
            scene="生日",
            style="小红书" if n % 3 else "严肃",
            state=ACCEPTED,
        )
        for n in range(number)
    ]
    with writing(workspace.engine) as connection:
        return samples.insert_new(connection, new, IMPORT)


def read(workspace: Workspace, version: dataset.DatasetVersion) -> list:
    return json.loads(dataset.training_file(workspace, version).read_text(encoding="utf-8"))


def test_a_version_may_have_a_translated_name(workspace: Workspace) -> None:
    """As that of the walk-through."""
    fill(workspace)
    version = dataset.freeze(workspace, "wishes", _("走一遍-{n}", n=1))
    assert dataset.training_file(workspace, version).exists()


def test_the_training_file_has_the_format_that_xtuner_reads(workspace: Workspace) -> None:
    fill(workspace)
    version = dataset.freeze(workspace, "wishes", "第一版")
    path = dataset.training_file(workspace, version)
    items = read(workspace, version)
    assert path == workspace.home / version.folder / "train.json"
    assert [list(turn) for item in items for turn in item["conversation"]] == [
        ["system", "input", "output"]
    ] * 6
    assert items[1]["conversation"][0]["output"] == '第1个“生日”\n快乐呀🎂 \\ "引号"'
    assert path.read_text(encoding="utf-8") == json.dumps(items, ensure_ascii=False, indent=4) + "\n"


def test_only_accepted_samples_are_frozen_in_their_order(workspace: Workspace) -> None:
    ids = fill(workspace)
    steps.set_state(workspace.engine, SampleFilter("wishes", ids=(ids[2], ids[4])), samples.REJECTED, "我")
    told: list[tuple[int, int]] = []
    version = dataset.freeze(workspace, "wishes", "v1", progress=lambda *steps: told.append(steps))
    assert version.count == 4 and told == [(1, 8), (2, 8), (3, 8), (4, 8)]
    assert [i["conversation"][0]["input"][-1] for i in read(workspace, version)] == ["0", "1", "3", "5"]


def test_the_manifest_says_what_is_inside_and_where_it_came_from(workspace: Workspace) -> None:
    fill(workspace)
    version = dataset.freeze(workspace, "wishes", "v1", note=" 试一试 ")
    manifest = json.loads((workspace.home / version.folder / "manifest.json").read_text(encoding="utf-8"))
    assert manifest == version.manifest
    assert manifest["sha256"] == version.sha256 == sha256(dataset.training_file(workspace, version))
    assert manifest["by_style"] == {"小红书": 4, "严肃": 2} and manifest["by_name"] == {"爷爷": 3, "妹妹": 3}
    assert manifest["count"] == version.count == 6 and manifest["turns"] == 6
    assert (manifest["recipe"], manifest["recipe_revision"]) == ("wishes", 0)
    assert version.note == "试一试"
    assert sum(manifest["lengths"]["小红书"]["bins"].values()) == 4


def test_the_card_tells_how_samples_were_accepted_and_who_changed_them(workspace: Workspace) -> None:
    fill(workspace, 2)
    new = [NewSample("wishes", "系统", f"祝{n}", f"第{n}条生日快乐") for n in range(4)]
    with writing(workspace.engine) as connection:
        ids = samples.insert_new(connection, new, IMPORT)
    first = SampleFilter("wishes", ids=(ids[0],))
    steps.set_state(workspace.engine, first, ACCEPTED, "甲")
    together = steps.set_state(workspace.engine, SampleFilter("wishes", ids=tuple(ids[1:])), ACCEPTED, "乙")
    assert together is not None and together.count == 3
    version_seen = samples.get(workspace.engine, ids[0]).version
    steps.edit(workspace.engine, "wishes", ids[0], version_seen, "改过的生日快乐", "甲")
    version = dataset.freeze(workspace, "wishes", "v1")
    told = version.manifest["acceptance"]
    assert [told[way] for way in ("single", "bulk", "imported", "other")] == [1, 3, 2, 0]
    assert told["changed"] == [["甲", "edit", 1]]
    card = dataset.training_file(workspace, version).with_name("README_zh.md").read_text("utf-8")
    assert "一条一条 1，成批 3，导入时就算审过 2" in card and "甲 修改 1" in card


def test_the_only_sample_that_a_filter_finds_was_accepted_in_bulk(workspace: Workspace) -> None:
    new = NewSample("wishes", "系统", "祝爷爷生日", "爷爷生日快乐")
    with writing(workspace.engine) as connection:
        ids = samples.insert_new(connection, [new], IMPORT)
    found = SampleFilter("wishes", states=(samples.PENDING,))
    step = steps.set_state(workspace.engine, found, ACCEPTED, "甲")
    assert step is not None and step.count == 1 and step.bulk
    told = acceptance(workspace.engine, "wishes", ids)
    assert (told.single, told.bulk, told.imported) == (0, 1, 0)


def test_the_card_counts_what_is_in_the_training_file_and_not_what_was_balanced_away(
    workspace: Workspace,
) -> None:
    ids = fill(workspace)
    steps.set_state(workspace.engine, SampleFilter("wishes"), samples.PENDING, "甲")
    for number in ids:
        steps.set_state(workspace.engine, SampleFilter("wishes", ids=(number,)), ACCEPTED, "甲")
    found = {number: steps.SampleRevision(3, f"第{number}条，祝你生日快乐") for number in ids}
    steps.revise(workspace.engine, "wishes", found, steps.FIX, "改", "乙")
    version = dataset.freeze(workspace, "wishes", "v1", balance=dataset.Balance(per_cell=2, validation=0.5))
    told = version.manifest["acceptance"]
    ways = {way: told[way] for way in ("single", "bulk", "imported", "other")}
    assert version.manifest["left_out"] > 0
    assert ways == {"single": version.count, "bulk": 0, "imported": 0, "other": 0}
    assert told["changed"] == [["乙", "fix", version.count]]


def test_a_multi_turn_conversation_stays_one(workspace: Workspace) -> None:
    new = NewSample(
        "wishes", "系统", "再短一点", "妹妹生日快乐", history=(("祝妹妹生日", "长长的祝福"),), state=ACCEPTED
    )
    with writing(workspace.engine) as connection:
        samples.insert_new(connection, [new], IMPORT)
    version = dataset.freeze(workspace, "wishes", "v1")
    assert read(workspace, version)[0]["conversation"] == [
        {"system": "系统", "input": "祝妹妹生日", "output": "长长的祝福"},
        {"system": "", "input": "再短一点", "output": "妹妹生日快乐"},
    ]
    assert version.manifest["turns"] == 2


def test_the_datasets_library_reads_a_version_as_xtuner_does(workspace: Workspace) -> None:
    fill(workspace)
    path = dataset.training_file(workspace, dataset.freeze(workspace, "wishes", "v1"))
    script = f"""
        from datasets import load_dataset
        cache = {str(workspace.home / "cache")!r}
        rows = load_dataset("json", data_files={{"train": {str(path)!r}}}, cache_dir=cache)["train"]
        print(len(rows), rows[0]["conversation"][0]["system"])
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)],
        capture_output=True,
        text=True,
        env=os.environ | {"HF_HUB_OFFLINE": "1", "HF_DATASETS_CACHE": str(workspace.home / "cache")},
        check=True,
    )
    assert done.stdout.split() == ["6", "系统提示"]


def test_a_version_can_be_found_again_and_its_files_are_read_only(workspace: Workspace) -> None:
    fill(workspace)
    version = dataset.freeze(workspace, "wishes", "v1")
    assert datasets.get(workspace.engine, version.id) == version == datasets.by_name(workspace.engine, "v1")
    assert datasets.listed(workspace.engine) == [version]
    assert dataset.training_file(workspace, version).stat().st_mode & 0o222 == 0
    with pytest.raises(DatasetError, match="v1"):
        datasets.by_name(workspace.engine, "v2")


def test_changing_samples_later_does_not_change_a_version(workspace: Workspace) -> None:
    fill(workspace)
    version = dataset.freeze(workspace, "wishes", "v1")
    steps.set_state(workspace.engine, SampleFilter("wishes"), samples.REJECTED, "我")
    dataset.verify(workspace, version)
    assert len(read(workspace, version)) == 6


def test_a_changed_or_missing_file_is_noticed(workspace: Workspace) -> None:
    fill(workspace)
    version = dataset.freeze(workspace, "wishes", "v1")
    path = dataset.training_file(workspace, version)
    path.chmod(0o644)
    path.write_text(path.read_text(encoding="utf-8").replace("快乐", "快了", 1), encoding="utf-8")
    with pytest.raises(DatasetError, match="被改过"):
        dataset.verify(workspace, version)
    with pytest.raises(DatasetError, match="被改过"):
        dataset.exported(workspace, version, dataset.ALPACA)
    path.unlink()
    with pytest.raises(DatasetError, match="不见了"):
        dataset.verify(workspace, version)


def test_freezing_nothing_is_refused_and_leaves_nothing_behind(workspace: Workspace) -> None:
    with pytest.raises(DatasetError, match="审核"):
        dataset.freeze(workspace, "wishes", "v1")
    assert list(workspace.datasets.iterdir()) == [] and datasets.listed(workspace.engine) == []


@pytest.mark.parametrize("name", ["", "  ", "../x", "a/b", ".hidden", "-x", "a b", "x" * 61, "end.", "a\nb"])
def test_names_that_are_no_folder_names_are_refused(workspace: Workspace, name: str) -> None:
    fill(workspace, 1)
    with pytest.raises(DatasetError, match="不能用"):
        dataset.freeze(workspace, "wishes", name)


def test_a_name_is_given_once(workspace: Workspace) -> None:
    fill(workspace)
    first = dataset.freeze(workspace, "wishes", "v1")
    with pytest.raises(DatasetError, match="换一个名字"):
        dataset.freeze(workspace, "wishes", "v1")
    dataset.verify(workspace, first)


def test_a_freeze_that_is_killed_before_its_end_leaves_no_version_and_can_be_repeated(
    workspace: Workspace,
) -> None:
    fill(workspace)
    script = f"""
        import os, signal
        from pathlib import Path
        from tianji_core import dataset
        from tianji_core.workspace import open_workspace
        rename = Path.rename
        def rename_and_die(self, target):
            rename(self, target)
            os.kill(os.getpid(), signal.SIGKILL)
        Path.rename = rename_and_die
        dataset.freeze(open_workspace({str(workspace.home)!r}), "wishes", "v1")
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(script)], check=False)
    assert done.returncode == -signal.SIGKILL
    assert datasets.listed(workspace.engine) == []
    version = dataset.freeze(workspace, "wishes", "v1")
    dataset.verify(workspace, version)
    assert version.count == 6


def test_equal_samples_are_written_once(workspace: Workspace) -> None:
    (one,) = fill(workspace, 1)
    with writing(workspace.engine) as connection:
        row = connection.execute(table.select().where(table.c.id == one)).one()
        copy = {key: value for key, value in row._mapping.items() if key != "id"}
        connection.execute(table.insert().values(**copy))
    assert dataset.freeze(workspace, "wishes", "v1").count == 1


@pytest.mark.parametrize(
    "form", [dataset.ALPACA, dataset.SHAREGPT, dataset.MESSAGES, dataset.MERGED, dataset.CSV]
)
def test_what_is_exported_can_be_imported_again_without_loss(workspace: Workspace, form: str) -> None:
    fill(workspace)
    new = NewSample("wishes", "系统", "再短一点", "好的妹妹", history=(("祝妹妹", "祝福"),), state=ACCEPTED)
    with writing(workspace.engine) as connection:
        samples.insert_new(connection, [new], IMPORT)
    version = dataset.freeze(workspace, "wishes", "v1")
    path = dataset.export(workspace, version, form)
    assert path.parent == workspace.exports and path.read_bytes() == dataset.exported(
        workspace, version, form
    )
    (report,) = dataset.import_path(workspace, "wishes", Path(path))
    assert (report.added, report.known, report.bad) == (0, 7, ())
    assert report.form == (form if form != dataset.CSV else dataset.MERGED)


def test_an_unknown_form_is_refused_with_those_there_are(workspace: Workspace) -> None:
    fill(workspace)
    with pytest.raises(DatasetError, match="alpaca"):
        dataset.exported(workspace, dataset.freeze(workspace, "wishes", "v1"), "xlsx")
