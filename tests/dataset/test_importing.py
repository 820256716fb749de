"""Files of conversations become samples; what is wrong with a file or an item is said where it stands."""

import io
import json
from pathlib import Path

import pyarrow
import pytest
from pyarrow import parquet

from tianji_core import dataset
from tianji_core.dataset import item_tally, streaming
from tianji_core.errors import ImportFileError
from tianji_core.recipe import built_in_recipes, load_recipe
from tianji_core.store import datasets, samples
from tianji_core.store.samples import SampleFilter
from tianji_core.workspace import Workspace

ALL = SampleFilter("wishes")
TURN = {"system": "系统", "input": "祝赵老师生日,小红书风格", "output": "赵老师生日快乐呀🎂"}


def imported(workspace: Workspace, value: object, name: str = "data.json") -> dataset.ImportReport:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return dataset.import_bytes(workspace, "wishes", text.encode(), name)


def test_the_raw_form_keeps_the_request_and_the_style(workspace: Workspace) -> None:
    raw = {**TURN, "input": "祝赵老师生日", "src_input": "给赵老师写一条", "style_name": "小红书"}
    report = imported(workspace, [{"conversation": [raw]}])
    assert (report.form, report.added, report.bad) == (dataset.RAW, 1, ())
    (sample,) = samples.page(workspace.engine, ALL)
    assert (sample.name, sample.scene, sample.style) == ("赵老师", "生日", "小红书")
    assert (sample.source, sample.state, sample.import_id) == ("import", "pending", report.import_id)
    assert samples.provenance(workspace.engine, sample.id).prompt == "给赵老师写一条"


@pytest.mark.parametrize(
    "item",
    [
        {"conversation": [TURN]},
        TURN,
        {"instruction": TURN["input"], "input": "", "output": TURN["output"], "system": "系统"},
        {
            "system": "系统",
            "conversations": [
                {"from": "human", "value": TURN["input"]},
                {"from": "gpt", "value": TURN["output"]},
            ],
        },
        {
            "messages": [
                {"role": "system", "content": "系统"},
                {"role": "user", "content": TURN["input"]},
                {"role": "assistant", "content": TURN["output"]},
            ]
        },
    ],
    ids=["merged", "bare", "alpaca", "sharegpt", "messages"],
)
@pytest.mark.parametrize("lines", [False, True], ids=["json", "jsonl"])
def test_every_form_gives_the_same_sample(workspace: Workspace, item: dict, lines: bool) -> None:
    text = json.dumps(item, ensure_ascii=False)
    report = imported(workspace, text + "\n" if lines else f"[{text}]", "x.jsonl" if lines else "x.json")
    assert report.added == 1
    (sample,) = samples.page(workspace.engine, ALL)
    assert (sample.system, sample.input, sample.output) == ("系统", TURN["input"], TURN["output"])
    assert (sample.name, sample.scene, sample.style) == ("赵老师", "生日", "小红书")


def test_a_conversation_of_several_turns_stays_together(workspace: Workspace) -> None:
    turns = [TURN, {"input": "再短一点", "output": "老师生日快乐"}]
    assert imported(workspace, [{"conversation": turns}]).added == 1
    (sample,) = samples.page(workspace.engine, ALL)
    assert sample.history == ((TURN["input"], TURN["output"]),)
    assert (sample.input, sample.output) == ("再短一点", "老师生日快乐")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
def test_the_encoding_of_a_file_is_recognised(workspace: Workspace, encoding: str) -> None:
    content = json.dumps([{"conversation": [TURN]}], ensure_ascii=False).encode(encoding)
    assert dataset.import_bytes(workspace, "wishes", content, "x.json").added == 1
    assert samples.page(workspace.engine, ALL)[0].output == TURN["output"]


def test_bad_items_are_listed_by_number_and_good_ones_kept(workspace: Workspace) -> None:
    items = [
        {"conversation": [TURN]},
        "一段文字",
        {"conversation": []},
        {"conversation": [{"input": "问", "output": " "}]},
        {"conversation": [{"input": "问"}]},
        {"conversation": [{"input": "问", "output": 3}]},
        {"question": "问"},
        {"messages": [{"role": "user", "content": "问"}]},
        {"conversation": [{**TURN, "output": "另一条"}]},
    ]
    report = imported(workspace, items)
    assert report.added == 2
    reasons = dict(report.bad)
    assert list(reasons) == [2, 3, 4, 5, 6, 7, 8]
    assert "str" in reasons[2] and "列表" in reasons[3] and "空" in reasons[4] and "没有 output" in reasons[5]
    assert "不是文字" in reasons[6] and "没有 output" in reasons[7] and "没有回答" in reasons[8]
    assert all(reason.startswith("第 1 行") for reason in reasons.values())
    stored = datasets.get_import(workspace.engine, report.import_id)
    assert (stored.added, stored.known, stored.bad) == (2, 0, report.bad)


def test_importing_the_same_file_again_adds_nothing(workspace: Workspace) -> None:
    items = [
        {"conversation": [TURN]},
        {"conversation": [TURN]},
        {"conversation": [{**TURN, "output": "另一条"}]},
    ]
    first, second = imported(workspace, items), imported(workspace, items)
    assert (first.added, first.known) == (2, 1)
    assert (second.added, second.known) == (0, 3)
    assert samples.total(workspace.engine, "wishes") == 2


def test_a_broken_file_is_refused_with_line_and_column(workspace: Workspace) -> None:
    with pytest.raises(ImportFileError, match="第 3 行第 1 列"):
        imported(workspace, '[\n  {"input": "问", "output": "答"}\n')
    with pytest.raises(ImportFileError, match="第 2 行第 17 列"):
        imported(workspace, '[\n  {"input": "问" "output": "答"}]')
    assert samples.total(workspace.engine) == 0 and datasets.listed_imports(workspace.engine, "wishes") == []


def test_a_broken_line_of_a_lines_file_is_one_bad_item(workspace: Workspace) -> None:
    good = json.dumps(TURN, ensure_ascii=False)
    report = imported(workspace, f'{good}\n{{"input": \n\n{good.replace("生日", "春节")}\n', "x.jsonl")
    assert report.added == 2 and [number for number, _reason in report.bad] == [2]


@pytest.mark.parametrize(
    ("content", "reason"),
    [(b"", "空的"), (b"\x00\x01\x02\xff", "编码"), (b"3", "列表"), (b"[" * 100_000, "深")],
)
def test_what_is_no_list_of_conversations_is_refused(
    workspace: Workspace, content: bytes, reason: str
) -> None:
    with pytest.raises(ImportFileError, match=reason):
        dataset.import_bytes(workspace, "wishes", content, "x.json")


def test_a_folder_is_imported_file_by_file(workspace: Workspace, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    (folder / "更多").mkdir(parents=True)
    (folder / "a.json").write_text(json.dumps([TURN], ensure_ascii=False), encoding="utf-8")
    (folder / "更多" / "b.jsonl").write_text(json.dumps({**TURN, "output": "第二条"}), encoding="utf-8")
    (folder / "notes.txt").write_text("不是数据", encoding="utf-8")
    reports = dataset.import_path(workspace, "wishes", folder)
    assert [(r.file, r.added) for r in reports] == [("a.json", 1), ("b.jsonl", 1)]


def test_one_broken_file_in_a_folder_stores_nothing(workspace: Workspace, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.json").write_text(json.dumps([TURN]), encoding="utf-8")
    (tmp_path / "in" / "b.json").write_text("[", encoding="utf-8")
    with pytest.raises(ImportFileError, match=r"b\.json"):
        dataset.import_path(workspace, "wishes", tmp_path / "in")
    assert samples.total(workspace.engine) == 0


def test_paths_with_nothing_to_read_are_refused(workspace: Workspace, tmp_path: Path) -> None:
    with pytest.raises(ImportFileError, match="检查路径"):
        dataset.import_path(workspace, "wishes", tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ImportFileError, match="没有"):
        dataset.import_path(workspace, "wishes", tmp_path / "empty")


@pytest.mark.parametrize(
    ("asked", "cell"),
    [
        ("祝邻居赵大妈生日", ("邻居赵大妈", "生日", "正常")),
        ("祝医生生日,严肃风格", ("医生", "生日", "严肃")),
        ("想对外婆说早日康复，帮我写得好一点,白话风格", ("外婆", "康复", "白话")),
        ("祝姐姐新婚快乐", ("姐姐", "新婚快乐", "正常")),
        ("祝姐姐生日,严肃风格\\n", ("姐姐", "生日", "严肃")),
        ("祝姐姐生日，小红书风格。\\r\\n ", ("姐姐", "生日", "小红书")),
        ("写点什么", ("", "", "")),
        ("祝张三生日", ("", "生日", "")),
    ],
)
def test_the_cell_is_guessed_from_the_input(asked: str, cell: tuple[str, str, str]) -> None:
    guess = dataset.CellGuess(load_recipe(built_in_recipes()["wishes"]))
    assert guess.of(asked) == cell


@pytest.mark.parametrize("broken", ["\\u0000", "\\ud800"])
def test_a_character_that_no_database_keeps_is_reported_with_its_item(
    workspace: Workspace, broken: str
) -> None:
    item = '{"conversation": [{"input": "祝妹妹生日", "output": "生日%s快乐，天天开心！"}]}'
    content = f"[{item % ''}, {item % broken}]".encode()
    report = dataset.import_bytes(workspace, "wishes", content, "broken.json")
    assert report.added == 1 and [number for number, _reason in report.bad] == [2]


def test_a_file_larger_than_what_is_read_at_once_is_read_item_by_item(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streaming, "CHUNK", 7)
    items = [{**TURN, "output": f"第{n}条祝福，写得“很好”🎂", "more": [n, -1.5e3, True]} for n in range(30)]
    text = json.dumps(items, ensure_ascii=False, indent=3)
    assert values(text) == items
    assert values('{"data": [1, 2]}') == [1, 2]
    assert values("[1, 2, ]") == [1, 2] and values("[1]\n\n [2]") == [1, 2]
    with pytest.raises(ImportFileError, match=r"第 2 行第 14 列.*逗号"):
        list(streaming.json_items(io.StringIO('[\n {"a": "b" } {}]'), "x.json"))
    with pytest.raises(ImportFileError, match="后面还有内容"):
        values("[1]\n\n x")


def values(text: str) -> list:
    return [item.value for item in streaming.json_items(io.StringIO(text), "x.json")]


def test_an_item_too_large_for_a_conversation_is_named_and_not_read(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streaming, "LONGEST", 3000)
    good, huge = json.dumps(TURN), json.dumps({**TURN, "output": "长" * 5000}, ensure_ascii=False)
    report = imported(workspace, f"{good}\n{huge}\n{good.replace('u751f', 'u7269')}\n", "x.jsonl")
    assert report.added == 2 and [number for number, _reason in report.bad] == [2]
    monkeypatch.setattr(streaming, "CHUNK", 100)
    with pytest.raises(ImportFileError, match="第 2 行开始的一项超过"):
        imported(workspace, f"[{good},\n{huge}]")
    assert samples.total(workspace.engine) == 2


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("x.json", '[{"conversation": ' + "[" * 200_000, "深"),
        ("x.json", '[{"input": ' + "9" * 5000 + "}]", "几千位"),
        ("x.json", "<!DOCTYPE html><html></html>", "网页"),
        ("x.json", "<rows></rows>", "第 1 行第 1 列"),
        ("x.csv", 'input,output\n"' + "长" * 200_000, "CSV"),
        ("x.parquet", "PAR1 and nothing more", "Parquet"),
    ],
    ids=["deep", "number", "html", "xml", "open quote", "parquet"],
)
def test_a_strange_file_is_refused_in_one_sentence_and_stores_nothing(
    workspace: Workspace, name: str, text: str, reason: str
) -> None:
    with pytest.raises(ImportFileError, match=reason) as refused:
        imported(workspace, text, name)
    assert name in str(refused.value) and "\n" not in str(refused.value)
    assert samples.total(workspace.engine) == 0 and datasets.listed_imports(workspace.engine, "wishes") == []


def test_strange_lines_are_bad_items(workspace: Workspace) -> None:
    lines = ["[" * 200_000, json.dumps(TURN), '{"input": ' + "9" * 5000 + "}", "<p>"]
    report = imported(workspace, "\n".join(lines), "x.jsonl")
    assert report.added == 1 and [number for number, _reason in report.bad] == [1, 3, 4]


def test_a_file_with_far_more_bad_items_than_good_ones_is_refused(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(item_tally, "MOST_BAD", 5)
    with pytest.raises(ImportFileError, match=r"什么也没有导入.*认不出格式"):
        imported(workspace, [TURN, *({"title": n} for n in range(6))])
    assert samples.total(workspace.engine) == 0


def test_a_parquet_file_from_elsewhere_is_imported(workspace: Workspace, tmp_path: Path) -> None:
    rows = [
        {"messages": [{"role": "user", "content": "祝妹妹生日"}, {"role": "assistant", "content": "快乐"}]},
        {"messages": [], "note": "没有对话"},
    ]
    parquet.write_table(pyarrow.Table.from_pylist(rows), tmp_path / "x.parquet")
    (report,) = dataset.import_path(workspace, "wishes", tmp_path / "x.parquet")
    assert (report.form, report.added) == (dataset.MESSAGES, 1)
    assert [number for number, _reason in report.bad] == [2]
