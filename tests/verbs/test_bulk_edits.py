"""replace, rebuild-inputs, set-system and own-rules: shown first, made as one step, refused in one line."""

import json
from collections.abc import Callable

import pytest

from tianji_core import cli
from tianji_core.store import samples
from tianji_core.store.database import writing
from tianji_core.store.samples import IMPORT, NewSample, SampleFilter
from tianji_core.workspace import Workspace

SISTER = "姐姐，生日快乐！愿你新的一岁平安喜乐，每天都有好心情。"
Call = Callable[..., tuple[int, str, str]]


@pytest.fixture
def call(workspace: Workspace, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Call:
    """Runs a verb on a workspace with one sample; returns (exit code, output, errors)."""
    with writing(workspace.engine) as connection:
        new = NewSample("wishes", "旧系统", "祝姐姐生日", SISTER, "姐姐", "生日", "正常")
        samples.insert_new(connection, [new], IMPORT)

    def run(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["tianji_core", *words])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        out, err = capsys.readouterr()
        return int(ended.value.code or 0), out, err

    return run


def the_sample(workspace: Workspace) -> samples.Sample:
    return samples.page(workspace.engine, SampleFilter("wishes"))[0]


def test_replace_shows_its_changes_first_and_can_be_undone(call: Call, workspace: Workspace) -> None:
    code, out, _err = call("replace", "姐姐", "姐", "--preview")
    assert code == 0 and f"#1 - {SISTER}" in out and "#1 + 姐，生日快乐" in out
    assert the_sample(workspace).output == SISTER
    code, out, _err = call("replace", "姐姐", "姐", "--styles", "正常", "--json")
    assert json.loads(out) == {"matching": 1, "changed": 1, "places": 1, "left_out": 0, "preview": False}
    assert the_sample(workspace).output.startswith("姐，")
    call("undo")
    assert the_sample(workspace).output == SISTER


def test_a_regular_expression_without_an_end_is_refused_in_one_line(call: Call) -> None:
    code, _out, err = call("replace", "(", "", "--regex")
    assert code == 2 and "看不懂" in err and err.count("\n") == 1
    assert call("replace", "a", "b", "--in", "titles")[0] == 2


def test_inputs_and_the_system_prompt_are_changed_in_bulk(call: Call, workspace: Workspace) -> None:
    call("set-system")
    assert the_sample(workspace).system.startswith("你现在是一个送祝福大师")
    call("set-system", "另一个系统")
    assert the_sample(workspace).system == "另一个系统"
    call("replace", "祝姐姐", "？", "--in", "inputs")
    assert the_sample(workspace).input == "？生日"
    code, out, _err = call("rebuild-inputs", "--json")
    assert code == 0 and json.loads(out)["changed"] == 1
    assert "姐姐" in the_sample(workspace).input


def test_own_rules_are_added_listed_applied_by_clean_and_removed(call: Call, workspace: Workspace) -> None:
    assert "还没有" in call("own-rules")[1]
    call("own-rules", "--forbid", "微信")
    code, out, _err = call("own-rules", "--replace", "姐姐", "--by", "姐", "--relations", "peer")
    assert code == 0 and out.splitlines() == ["1  不许有“微信”", "2  “姐姐”换成“姐” · 平辈"]
    call("clean", "--fix")
    assert the_sample(workspace).output.startswith("姐，")
    assert json.loads(call("own-rules", "--remove", "2", "--json")[1])[0]["text"] == "微信"


@pytest.mark.parametrize(
    "words",
    [
        ("--forbid", "a", "--require", "b"),
        ("--remove", "3"),
        ("--forbid", "(", "--regex"),
        ("--replace", "姐", "--by", "姐姐"),
        ("--forbid", "a", "--relations", "neighbour"),
    ],
)
def test_a_wrong_own_rule_is_refused_in_one_line(call: Call, words: tuple[str, ...]) -> None:
    code, _out, err = call("own-rules", *words)
    assert code == 2 and err.count("\n") == 1
