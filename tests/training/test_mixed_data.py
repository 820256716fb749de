"""A training may learn from several dataset versions by share: one file, the same for the same seed, which
the training keeps; what cannot be mixed is named before anything starts."""

import json
from pathlib import Path

import pytest

from tests.checkpoints import add_training
from tests.tiny_base import add_version, write_tiny_base
from tianji_core import dataset, jobs, training
from tianji_core.dataset import DatasetVersion
from tianji_core.errors import DatasetError, InputError, TrainingError
from tianji_core.store import training as rows
from tianji_core.training.engine import CONFIG_NAME
from tianji_core.training.launch import check_again
from tianji_core.training.mix_parts import read_part
from tianji_core.training.mixed_data import MIX, MIXED_TRAIN, read_mix, write_mixed
from tianji_core.training.progress import work_folder
from tianji_core.training.settings import TrainingSettings
from tianji_core.training.varied_data import training_data
from tianji_core.workspace import Workspace

KEY = "nano-cpu-qlora"


def settings(*parts: str, **changes: object) -> TrainingSettings:
    mix = [read_part(part) for part in parts]
    return training.checked_settings({**training.default_settings(KEY).model_dump(), "mix": mix, **changes})


def chat(workspace: Workspace, name: str = "闲聊", count: int = 10, recipe: str = "wishes") -> DatasetVersion:
    """A version of conversations of two turns without a system prompt."""
    version = add_version(workspace, name, count, recipe)
    items = [
        {
            "conversation": [
                {"system": "", "input": f"{name}{n}", "output": "你好"},
                {"system": "", "input": "再说一句", "output": f"好的{n}"},
            ]
        }
        for n in range(count)
    ]
    path = dataset.training_file(workspace, version)
    path.write_text(json.dumps(items, ensure_ascii=False), encoding="utf-8")
    return version


def conversations(path: Path) -> list[list[dict[str, str]]]:
    return [item["conversation"] for item in json.loads(path.read_text(encoding="utf-8"))]


@pytest.fixture
def any_hash(monkeypatch: pytest.MonkeyPatch) -> None:
    """The versions of :func:`chat` are written over after they were hashed."""
    monkeypatch.setattr("tianji_core.training.mixed_data.verify", lambda _workspace, _version: None)


@pytest.mark.usefixtures("any_hash")
def test_shares_count_among_all_samples_and_the_own_version_is_used_whole(
    workspace: Workspace, tmp_path: Path
) -> None:
    own, talk, extra = add_version(workspace, "v", 60), chat(workspace), chat(workspace, "知识", 20)
    mixed = settings("闲聊:0.2", "知识:all")
    path = training_data(workspace, own, mixed, tmp_path)
    facts = read_mix(tmp_path)
    assert path.name == MIXED_TRAIN and facts is not None and facts.count == 100
    assert [(part.version, part.count, part.size) for part in facts.parts] == [
        ("v", 60, 60),
        ("闲聊", 20, 10),
        ("知识", 20, 20),
    ]
    assert [part.sha256 for part in facts.parts] == [own.sha256, talk.sha256, extra.sha256]
    found = conversations(path)
    firsts = [turns[0]["input"] for turns in found]
    assert sum(text.startswith("祝") for text in firsts) == 60
    assert all(firsts.count(f"闲聊{n}") == 2 and firsts.count(f"知识{n}") == 1 for n in range(10))
    told = next(turns for turns in found if turns[0]["input"] == "闲聊3")
    assert [turn["output"] for turn in told] == ["你好", "好的3"] and told[0]["system"] == ""
    assert "闲聊 20 条（20%，token 的 18%）" in facts.sentence
    assert path.stat().st_mode & 0o222 == 0  # nobody may write


@pytest.mark.usefixtures("any_hash")
def test_the_same_seed_gives_the_same_file_and_another_one_another(
    workspace: Workspace, tmp_path: Path
) -> None:
    own = add_version(workspace, "v", 60)
    chat(workspace, count=40)
    source = dataset.training_file(workspace, own)
    texts = []
    for number, seed in enumerate((42, 42, 7)):
        folder = tmp_path / str(number)
        folder.mkdir()
        texts.append(
            write_mixed(workspace, own, settings("闲聊:0.25", seed=seed), source, folder).read_bytes()
        )
    assert texts[0] == texts[1] != texts[2]
    drawn = [turns[0]["input"] for turns in conversations(tmp_path / "0" / MIXED_TRAIN)]
    assert len(drawn) == 80 and len(set(drawn) - {text for text in drawn if text.startswith("祝")}) == 20


def test_a_share_counts_among_the_samples_that_the_training_takes(
    workspace: Workspace, tmp_path: Path
) -> None:
    own = add_version(workspace, "v", 60)
    add_version(workspace, "另一批", 30)
    training_data(workspace, own, settings("另一批:0.2", samples=20), tmp_path)
    facts = read_mix(tmp_path)
    assert facts is not None and [part.count for part in facts.parts] == [20, 5]


def test_the_record_holds_the_mix_and_a_changed_file_is_not_trained_on(
    workspace: Workspace, tmp_path: Path
) -> None:
    own = add_version(workspace, "v", 60)
    add_version(workspace, "另一批", 30)
    mixed = settings("另一批:0.25", base=str(write_tiny_base(tmp_path / "base")))
    foretold = training.preflight(workspace, training.preset(KEY, workspace), mixed, own)
    assert foretold.ok and foretold.estimate is not None and foretold.estimate.samples == 80
    run = training.prepare_training(workspace, KEY, mixed, own)
    stored = training.record_of(rows.get(workspace.engine, run.id))
    folder = work_folder(workspace, run)
    assert stored.mixed == read_mix(folder) and stored.settings.mix == mixed.mix
    assert str(folder / MIXED_TRAIN) in (training.written_config(workspace, run) or "")
    check_again(workspace, run)
    (folder / MIXED_TRAIN).chmod(0o600)
    (folder / MIXED_TRAIN).write_text("[]", encoding="utf-8")
    with pytest.raises(DatasetError, match="被改过"):
        check_again(workspace, run)


def test_one_more_epoch_learns_from_the_same_mixed_file(workspace: Workspace, tmp_path: Path) -> None:
    run = add_training(workspace, tmp_path / "base", {10: 0.1})
    other = add_version(workspace, "另一批", 30)
    own, folder = training.version_of(workspace, run), work_folder(workspace, run)
    assert own is not None
    record = training.record_of(run)
    wanted = record.settings.model_copy(update={"mix": (read_part("另一批:all"),)})
    data = training_data(workspace, own, wanted, folder)
    training.write_config(training.preset(KEY), wanted, data, folder)
    record = record.model_copy(update={"settings": wanted, "mixed": read_mix(folder)})
    run = rows.change(workspace.engine, run.id, settings=record.stored())
    dataset.training_file(workspace, other).unlink()  # the version is gone; its samples are in the file

    more = training.one_more_epoch(workspace, run)
    jobs.stop(workspace, more.job_id)
    theirs = work_folder(workspace, more)
    assert training.record_of(more).mixed == record.mixed
    assert (theirs / MIXED_TRAIN).read_bytes() == data.read_bytes() and read_mix(theirs) == record.mixed
    text = (theirs / CONFIG_NAME).read_text(encoding="utf-8")
    assert str(theirs / MIXED_TRAIN) in text and str(folder / MIXED_TRAIN) not in text
    (folder / MIX).unlink()
    (folder / MIXED_TRAIN).unlink()
    with pytest.raises(DatasetError, match="不见了"):
        training.one_more_epoch(workspace, run)


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        (("没有的:0.2",), "没有名叫“没有的”"),
        (("v:0.2",), "就是训练自己的数据集"),
        (("空的:0.2",), "“空的”是空的"),
        (("坏的:0.2",), "被改过"),
        (("另一批:0.001",), "连一条样本也轮不到"),
    ],
)
def test_what_cannot_be_mixed_stops_the_training_in_one_sentence(
    workspace: Workspace, tmp_path: Path, parts: tuple[str, ...], said: str
) -> None:
    own, bad = add_version(workspace, "v", 60), add_version(workspace, "坏的", 30)
    add_version(workspace, "空的", 0)
    add_version(workspace, "另一批", 30)
    dataset.training_file(workspace, bad).write_text("[]", encoding="utf-8")
    wanted = settings(*parts, base=str(write_tiny_base(tmp_path / "base")))
    with pytest.raises(TrainingError, match=said):
        training.prepare_training(workspace, KEY, wanted, own)
    assert rows.listed(workspace.engine) == []


def test_few_samples_and_those_of_another_recipe_are_told(workspace: Workspace, tmp_path: Path) -> None:
    own = add_version(workspace, "v", 60)
    add_version(workspace, "四条", 4)
    add_version(workspace, "别的", 30, recipe="letters")
    wanted = settings("四条:0.3", "别的:0.3", base=str(write_tiny_base(tmp_path / "base")))
    checked = training.preflight(workspace, training.preset(KEY, workspace), wanted, own)
    doubts = [check.detail for check in checked.checks if check.title == "混入" and check.level == "warn"]
    assert len(doubts) == 2 and "要学 11.2 遍" in doubts[0] and "配方“letters”" in doubts[1]


@pytest.mark.parametrize(
    ("parts", "said"),
    [(("甲:0.6", "乙:0.5"), "加起来是 110%.*填的是 甲:0.6、乙:0.5$"), (("甲:0.2", "甲:all"), "写了两次")],
)
def test_shares_that_do_not_add_up_are_refused(parts: tuple[str, ...], said: str) -> None:
    with pytest.raises(TrainingError, match=said):
        settings(*parts)


@pytest.mark.parametrize(
    ("text", "share"), [("甲:0.2", 0.2), ("甲：20%", 0.2), ("甲=0.2", 0.2), ("v1.2:all", None)]
)
def test_a_part_is_read_as_it_is_written(text: str, share: float | None) -> None:
    part = read_part(text)
    assert part.share == share and read_part(part.text) == part


@pytest.mark.parametrize(
    "text", ["甲", "甲:", ":0.2", "甲:很多", "甲:0", "甲:1", "甲:-0.2", "甲:120%", "甲:nan"]
)
def test_a_part_of_another_form_is_refused(text: str) -> None:
    with pytest.raises(InputError):
        read_part(text)
