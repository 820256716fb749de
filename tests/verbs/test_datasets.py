"""From files to a version and out again by verbs: import by path or by name, keep-best, judge, freeze,
compare, export."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.loopback import LoopbackApi, says
from tests.tiny_datasets_hub import hub_of
from tianji_core import dataset
from tianji_core.store import datasets, judgements, samples
from tianji_core.store.samples import SampleFilter
from tianji_core.workspace import Workspace

ALL = SampleFilter("wishes")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    texts = [
        ("祝妹妹生日", "妹妹，生日快乐！愿你新的一岁平安喜乐，每天都有好心情。"),
        ("祝妹妹生日", "妹妹，生日快乐！愿你新的一岁平安喜乐，每天都是好心情。"),
        ("祝爷爷春节", "爷爷，给您拜年了！愿您身体硬朗，胃口常开，天天乐呵呵。"),
        ("祝母亲春节", "母亲，过年好！愿您少操心多享福，新的一年顺顺当当。"),
    ]
    (tmp_path / "in").mkdir()
    path = tmp_path / "in" / "wishes.json"
    items = [{"input": asked, "output": text} for asked, text in texts]
    path.write_text(json.dumps(items, ensure_ascii=False), encoding="utf-8")
    return path


def test_repeated_samples_are_thinned_out_and_the_rest_frozen_as_asked(
    verb: Callable, workspace: Workspace, file: Path, tmp_path: Path
) -> None:
    assert verb("import", file, "--accepted", "--json").json()[0]["added"] == 4
    assert verb("keep-best", "--dry", "--json").json() == {"groups": 1, "repeated": 1, "rejected": 0}
    assert verb("keep-best", "--json").json()["rejected"] == 1
    assert verb("freeze", "--name", "v1", "--json").json()["count"] == 3
    facts = verb(
        "freeze", "--name", "v2", "--scenes", "春节,生日", "--per-style", 2, "--validation", 0.5, "--json"
    ).json()
    assert (facts["count"], facts["validation"], facts["left_out"]) == (1, 1, 1)
    manifest = datasets.by_name(workspace.engine, "v2").manifest
    assert manifest["parents"][0]["name"] == "v1" and manifest["filter"]["scenes"] == ["春节", "生日"]

    found = verb("difference", "v1", "v2", "--json").json()
    assert (found["same"], len(found["removed"])) == (1, 2)
    assert "一样 1" in verb("difference", "v1", "v2").out
    assert "一模一样" in verb("verify", "v1").out
    held = tmp_path / "held.jsonl"
    assert verb("export", "v2", "--form", "messages", "--split", "validation", "--output", held).code == 0
    assert len(held.read_text("utf-8").splitlines()) == 1
    for form in dataset.EXPORT_SUFFIXES:
        assert form in verb("export", "--help").out


def test_a_dataset_is_imported_by_its_name(verb: Callable, workspace: Workspace, file: Path) -> None:
    with hub_of(file.parent, "someone/wishes") as hub:
        seen = verb("import", "someone/wishes", "--hub", "--endpoint", hub.url, "--preview")
        assert (
            seen.code == 0
            and "可以导入 4" in seen.out
            and "UTF-8" in seen.out
            and "someone/wishes/" in seen.out
        )
        assert samples.total(workspace.engine) == 0, "a preview adds nothing"
        said = verb("import", "someone/wishes", "--hub", "--endpoint", hub.url)
    assert said.code == 0 and "新增 4" in said.out
    assert samples.total(workspace.engine) == 4
    assert "--hub" in verb("import", "someone/wishes").refusal


def test_a_teacher_judges_the_samples_that_match(
    verb: Callable, workspace: Workspace, file: Path, api: LoopbackApi
) -> None:
    verb("import", file)
    api.default = says('{"fit": 4, "style": 3, "naturalness": 5, "reason": "合适"}')
    teacher = ("--provider", "custom", "--model", "judge", "--base-url", api.url)
    assert verb("judge", *teacher, "--scenes", "春节", "--estimate", "--json").json()["number"] == 2
    assert verb("judge", *teacher, "--scenes", "春节", "--json").json()["waiting"] == 0
    scored = [s for s in samples.page(workspace.engine, ALL) if s.score is not None]
    assert {s.scene for s in scored} == {"春节"} and len(scored) == 2
    assert {j.reason for j in judgements.of(workspace.engine, [s.id for s in scored]).values()} == {"合适"}
    assert "可以的是" in verb("judge", *teacher, "--states", "maybe").refusal
