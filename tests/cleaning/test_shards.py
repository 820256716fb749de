"""Samples that leave in shards, are checked and mended elsewhere, and come back to where they were."""

import json
import os
import runpy
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import yaml
from pyarrow import parquet

from tianji_core import cleaning, i18n
from tianji_core.cleaning.shards import Returned, check_shard, rules_for, take_back, write_shards
from tianji_core.cleaning.shards.layout import TEXTS as TEXT_COLUMNS
from tianji_core.cleaning.shards.layout import findings_of, findings_text, sample_of, table
from tianji_core.errors import ImportFileError, InputError
from tianji_core.i18n import _
from tianji_core.store import findings, samples, steps
from tianji_core.store.database import writing
from tianji_core.store.findings import Finding
from tianji_core.store.samples import ACCEPTED, IMPORT, PENDING, REJECTED, NewSample, SampleFilter
from tianji_core.workspace import Workspace, open_workspace

ALL = SampleFilter("wishes")
TEXTS = (
    "妹妹，生日快乐！愿你新的一岁平安喜乐，每天都有好心情。",
    "“妹妹，生日快乐呀！愿你今年事事称心，常常有笑脸。”",  # wrapped in quotes: a safe fix
    "妹妹，您生日快乐！祝您身体硬朗，福如东海，寿比南山。",  # 您 to a peer
    "妹妹，生日快乐！愿你新的一岁平安喜乐，每天都有好心情。",  # said before
    "当前祝福语如下：妹妹，生日快乐！愿你岁岁平安，日日开心。",  # a lead-in
)


def store(space: Workspace, texts: tuple[str, ...] = TEXTS) -> list[int]:
    new = [
        NewSample("wishes", "系统", f"祝妹妹生日{n}", text, "妹妹", "生日", "正常")
        for n, text in enumerate(texts)
    ]
    with writing(space.engine) as connection:
        return samples.insert_new(connection, new, IMPORT)


def out(space: Workspace, folder: Path, rows: int = 2) -> list[Path]:
    write_shards(space, ALL, folder, rows)
    return sorted((folder / "samples").glob("*.parquet"))


def checked(space: Workspace, folder: Path, fix: bool = False) -> None:
    for shard in out(space, folder):
        check_shard(shard, rules_for(folder), fix)


def everything(space: Workspace) -> tuple[object, ...]:
    ids = [sample.id for sample in samples.page(space.engine, ALL)]
    found = {number: list(each) for number, each in findings.of(space.engine, ids).items()}
    return samples.page(space.engine, ALL), found, steps.history(space.engine, ids[0])


def test_what_is_found_elsewhere_is_what_is_found_here(workspace: Workspace, tmp_path: Path) -> None:
    ids = store(workspace)
    checked(workspace, tmp_path / "shards")
    came = take_back(workspace, tmp_path / "shards")
    assert (came.files, came.rows, came.checked, came.edited, came.unknown) == (3, 5, 5, 0, 0)
    elsewhere = findings.of(workspace.engine, ids)
    assert findings.unchecked_count(workspace.engine, "wishes") == 0
    cleaning.check_again(workspace, "wishes")
    assert findings.of(workspace.engine, ids) == elsewhere
    assert all(elsewhere[number] for number in ids[1:]) and not elsewhere[ids[0]]


def test_fixes_and_decisions_come_back_once_and_can_be_undone(workspace: Workspace, tmp_path: Path) -> None:
    ids = store(workspace)
    folder = tmp_path / "shards"
    checked(workspace, folder, fix=True)
    first = sorted((folder / "cleaned").glob("*.parquet"))[0]
    rows = parquet.read_table(first).to_pylist()
    rows[0]["state"] = REJECTED
    parquet.write_table(table(rows), first)
    came = take_back(workspace, folder, who="小王")
    assert came.decided == 1 and came.edited >= 2 and came.changed == 0
    found = samples.many(workspace.engine, ids)
    assert found[0].state == REJECTED and found[0].output == TEXTS[0]
    assert found[1].output == TEXTS[1].strip("“”") and found[1].original == TEXTS[1]
    assert "如下" not in found[4].output and [sample.id for sample in found] == ids
    before = everything(workspace)
    again = take_back(workspace, folder, who="小王")
    assert (again.same, again.edited, again.decided, again.checked) == (5, 0, 0, 0)
    assert everything(workspace) == before
    while steps.undo(workspace.engine, "wishes", "小王") is not None:
        pass
    assert [s.output for s in samples.many(workspace.engine, ids)] == list(TEXTS)


def test_what_was_changed_here_meanwhile_stays_and_what_is_not_from_here_is_left_out(
    workspace: Workspace, tmp_path: Path
) -> None:
    ids = store(workspace)
    folder = tmp_path / "shards"
    checked(workspace, folder, fix=True)
    steps.edit(workspace.engine, "wishes", ids[1], 1, "妹妹，这是后来人写的一句生日快乐。", "小李")
    steps.set_state(workspace.engine, SampleFilter("wishes", ids=(ids[4],)), ACCEPTED, "小李")
    came = take_back(workspace, folder)
    assert came.changed == 2
    kept = samples.many(workspace.engine, ids)
    assert kept[1].output.startswith("妹妹，这是后来人") and kept[4].output == TEXTS[4]
    other = open_workspace(tmp_path / "other")
    store(other, ("姐姐，祝你生日快乐，天天开心，万事都顺心如意。",))
    came = take_back(other, folder)
    assert (came.changed, came.unknown, came.edited, came.checked) == (1, 4, 0, 0)
    other.engine.dispose()


def test_rows_in_json_lines_come_back_as_data_juicer_writes_them(
    workspace: Workspace, tmp_path: Path
) -> None:
    ids = store(workspace)
    folder = tmp_path / "shards"
    shard = out(workspace, folder, rows=10)[0]
    file, rows, found = check_shard(shard, rules_for(folder), True)
    assert rows == 5 and 0 < found < 5
    lines = [json.dumps(row, ensure_ascii=False) for row in parquet.read_table(file).to_pylist()]
    result = tmp_path / "cleaned.jsonl"
    result.write_text("\n".join(lines[1:]) + "\n", encoding="utf-8")  # an operator has left one out
    assert take_back(workspace, folder, [result]).rows == 4
    assert samples.get(workspace.engine, ids[0]).state == PENDING


def test_the_driver_beside_the_shards_checks_them_all(workspace: Workspace, tmp_path: Path) -> None:
    store(workspace)
    folder = tmp_path / "两 个"
    out(workspace, folder)
    command = [sys.executable, str(folder / "clean_shards.py"), "--fix", "--processes", "2"]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "3 of 3 shards checked" in ran.stdout
    assert take_back(workspace, folder).rows == 5

    def said(command: list[str]) -> str:
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout

    assert "0 of 0" in said(command)
    of_another_version = folder / "cleaned" / "00001.parquet"
    parquet.write_table(
        parquet.read_table(of_another_version).replace_schema_metadata({}), of_another_version
    )
    (folder / "cleaned" / "00002.parquet").write_bytes(b"PAR1")
    assert "2 of 2" in said(command)
    assert "3 of 3" in said([argument for argument in command if argument != "--fix"])


def test_a_ray_that_does_not_start_leaves_the_work_to_this_machine(
    workspace: Workspace, tmp_path: Path
) -> None:
    store(workspace)
    folder = tmp_path / "shards"
    out(workspace, folder)
    library = tmp_path / "library"
    library.mkdir()
    fails = "def init(**_settings): raise Exception('The current node timed out during startup.\\nMore')\n"
    (library / "ray.py").write_text(fails, encoding="utf-8")
    ran = subprocess.run(
        [sys.executable, str(folder / "clean_shards.py"), "--processes", "2"],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(library)},
    )
    assert ran.returncode == 0 and "3 of 3 shards checked" in ran.stdout
    assert "Ray did not start (The current node timed out during startup.)" in ran.stderr
    assert "Traceback" not in ran.stderr


def test_the_operator_of_data_juicer_checks_as_the_studio_does(workspace: Workspace, tmp_path: Path) -> None:
    store(workspace)
    folder = tmp_path / "shards"
    shard = out(workspace, folder, rows=10)[0]
    told = yaml.safe_load((folder / "data_juicer.yaml").read_text("utf-8"))
    (operator,) = told["process"]
    chosen = operator["python_file_mapper"]
    assert (folder / told["dataset_path"]).resolve() == shard.parent.resolve()
    module = runpy.run_path(str(folder / chosen["file_path"]))
    found = [module[chosen["function_name"]](row) for row in parquet.read_table(shard).to_pylist()]
    assert found == parquet.read_table(check_shard(shard, rules_for(folder))[0]).to_pylist()
    assert module["fix"](found[1])["output"] == TEXTS[1].strip("“”")


def test_a_changed_recipe_checks_anew_here(workspace: Workspace, tmp_path: Path) -> None:
    store(workspace)
    folder = tmp_path / "shards"
    checked(workspace, folder)
    manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
    (folder / "manifest.json").write_text(json.dumps(manifest | {"basis": "other"}), encoding="utf-8")
    assert take_back(workspace, folder).checked == 0
    assert findings.unchecked_count(workspace.engine, "wishes") == 5


def _template(message: str, values: dict[str, object]) -> str:
    """Returns findings whose detail is to be made from a message."""
    detail = "\x1e" + json.dumps(["", message, values], ensure_ascii=False)
    return json.dumps([["too_short", detail, None, 0]], ensure_ascii=False)


@pytest.mark.parametrize(
    ("column", "value", "said"),
    [
        ("rules", "other", "另一个版本"),
        ("history", "[", "缺列或者内容不对"),
        ("options", "[1]", "缺列或者内容不对"),
        ("findings", "{", "findings"),
        ("output", " ", "不能为空"),
        ("history", '[["在吗", "在"]]', "有 0 轮，改过的有 1 轮"),
        ("history", '[["在吗", null]]', "缺列或者内容不对"),
        ("history", '["在吗"]', "缺列或者内容不对"),
        ("findings", '[["no_such_rule", "说法", null, 0]]', "findings"),
        ("findings", '[["too_short", "说法", null, 1]]', "findings"),
        ("findings", '[["too_short", "说法", null, 1e999]]', "findings"),
        ("findings", '[["too_short", "说法", 5, 0]]', "findings"),
        ("findings", _template("", {"a": 1}), "findings"),
        ("findings", _template("{x:>999999999}", {"x": "1"}), "findings"),
        ("findings", _template("和样本 {id} 几乎一样（{percent}%）", {"id": 1}), "findings"),
        ("findings", _template("和样本 {id} 几乎一样（{percent}%）", {"id": [1], "percent": 1}), "findings"),
    ],
)
def test_a_broken_row_is_one_sentence_and_changes_nothing(
    workspace: Workspace, tmp_path: Path, column: str, value: str, said: str
) -> None:
    store(workspace)
    folder = tmp_path / "shards"
    checked(workspace, folder)
    first = sorted((folder / "cleaned").glob("*.parquet"))[0]
    rows = parquet.read_table(first).to_pylist()
    rows[1][column] = value
    parquet.write_table(table(rows), first)
    before = samples.page(workspace.engine, ALL)
    with pytest.raises((ImportFileError, InputError), match=said):
        take_back(workspace, folder)
    assert samples.page(workspace.engine, ALL) == before


def test_numbers_and_templates_from_outside_are_bounded() -> None:
    row = dict.fromkeys(TEXT_COLUMNS, "") | {"id": 1, "version": 1.0, "options": "{}", "history": "[]"}
    assert (sample_of(row).id, sample_of(row).version) == (1, 1)
    for value in (float("inf"), float("nan"), 1.5, -1, 2**70, True, "1"):
        with pytest.raises(ImportFileError, match="内容不对"):
            sample_of(row | {"id": value})
    twice = "批次 {id} 停下了；继续：python -m tianji_core generate --resume {id}"
    nested: object = "样" * 3000
    for _level in range(2):
        nested = {"message": ["", twice, {"id": nested}]}
    with pytest.raises(ImportFileError, match="24357 characters"):
        findings_of(_template(twice, {"id": nested}), 0)


def test_what_the_rules_say_is_read_in_the_language_of_the_reader() -> None:
    (found,) = findings_of(findings_text([Finding("too_short", _("与样本 {id} 的内容一样", id=7))]), 0)
    assert (found.detail, i18n.in_language(found.detail, "en")) == (
        "与样本 7 的内容一样",
        "Same content as sample 7",
    )


def test_findings_of_another_text_are_not_stored(workspace: Workspace, tmp_path: Path) -> None:
    ids = store(workspace)
    folder = tmp_path / "shards"
    shard = out(workspace, folder, rows=10)[0]
    first = check_shard(shard, rules_for(folder))[0]
    rows = parquet.read_table(first).to_pylist()
    rows[2]["output"] = "妹妹，生日快乐！愿你岁岁年年都有人惦记，也有蛋糕吃。"  # an operator after the rules
    parquet.write_table(table(rows), first)
    came = take_back(workspace, folder)
    assert (came.edited, came.checked) == (1, 4)
    assert findings.unchecked_count(workspace.engine, "wishes") == 1
    assert findings.of(workspace.engine, [ids[2]]) == {ids[2]: []}


def test_findings_are_not_stored_for_a_text_that_changed_while_they_came_back(
    workspace: Workspace, tmp_path: Path
) -> None:
    ids = store(workspace)
    folder = tmp_path / "shards"
    rows = parquet.read_table(check_shard(out(workspace, folder, 10)[0], rules_for(folder))[0]).to_pylist()
    foreign = [rows[0] | {"id": 10_000 + number} for number in range(3000)]
    pipe = tmp_path / "cleaned.jsonl"
    os.mkfifo(pipe)

    def write() -> None:
        with pipe.open("w", encoding="utf-8") as file:
            for row in rows + foreign:  # far more than a pipe holds: the first rows were compared by then
                file.write(json.dumps(row, ensure_ascii=False) + "\n")
            steps.edit(workspace.engine, "wishes", ids[2], 1, "妹妹，这是后来人写的一句生日快乐。", "小李")

    with ThreadPoolExecutor(1) as crew:
        written = crew.submit(write)
        came = take_back(workspace, folder, [pipe])
        written.result()
    assert (came.unknown, came.checked) == (3000, 4)
    assert findings.unchecked_count(workspace.engine, "wishes") == 1
    assert findings.of(workspace.engine, [ids[2]]) == {ids[2]: []}


def test_what_is_no_folder_of_shards_is_said(workspace: Workspace, tmp_path: Path) -> None:
    with pytest.raises(ImportFileError, match="不是拆出来的样本"):
        take_back(workspace, tmp_path)
    store(workspace)
    out(workspace, tmp_path / "shards")
    with pytest.raises(ImportFileError, match=r"没有检查过的分片.* --shard \S+/samples/00000\.parquet "):
        take_back(workspace, tmp_path / "shards")
    (tmp_path / "shards" / "samples" / "00000.parquet").write_bytes(b"PAR1")
    with pytest.raises(ImportFileError, match="读不懂"):
        check_shard(tmp_path / "shards" / "samples" / "00000.parquet", rules_for(tmp_path / "shards"))
    assert Returned().rows == 0
