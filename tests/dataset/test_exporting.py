"""Every exported form is read back by the program it is for; versions are compared; CSV runs nothing."""

import json
import os
import subprocess
import sys
import textwrap
import zipfile
from io import BytesIO
from pathlib import Path

import pandas
import pytest
from pyarrow import parquet

from tianji_core import dataset
from tianji_core.dataset import Balance, DatasetVersion
from tianji_core.errors import DatasetError, ImportFileError
from tianji_core.spreadsheet import plain_cell, safe_cell
from tianji_core.store import datasets, samples, steps
from tianji_core.store.database import writing
from tianji_core.store.samples import ACCEPTED, IMPORT, NewSample, SampleFilter
from tianji_core.workspace import Workspace

NAMES = ("妹妹", "爷爷", "李总", "母亲")
RISKY = '=HYPERLINK("http://x","点我")，祝妹妹生日快乐'


def fill(workspace: Workspace, number: int = 24) -> list[int]:
    new = [
        NewSample(
            "wishes",
            "系统提示",
            f"祝{NAMES[n % 4]}{('生日', '春节')[n % 2]}{n}",
            RISKY if n == 1 else f"第{n}条“祝福”，\n快乐呀🎂",
            NAMES[n % 4],
            ("生日", "春节")[n % 2],
            ("正常", "严肃", "小红书")[n % 3],
            history=(("先问", "先答"),) if n == 2 else (),
            state=ACCEPTED,
        )
        for n in range(number)
    ]
    with writing(workspace.engine) as connection:
        return samples.insert_new(connection, new, IMPORT)


@pytest.fixture
def version(workspace: Workspace) -> DatasetVersion:
    fill(workspace)
    return dataset.freeze(workspace, "wishes", "v1", balance=Balance(validation=0.25, seed=4))


def read(path: Path | None) -> list:
    assert path is not None
    return json.loads(path.read_text(encoding="utf-8"))


def test_a_version_with_validation_has_both_files_and_says_so(
    workspace: Workspace, version: DatasetVersion
) -> None:
    held = dataset.validation_file(workspace, version)
    train, validation = read(dataset.training_file(workspace, version)), read(held)
    facts = version.manifest["validation"]
    assert len(train) == version.count and len(validation) == facts["count"] == 24 - version.count
    cells = {tuple(cell[:2]) for cell in version.manifest["cells"]}
    assert cells and not cells & {tuple(cell[:2]) for cell in facts["cells"]}
    assert held is not None and held.stat().st_mode & 0o222 == 0
    held.chmod(0o644)
    held.write_text("[]", encoding="utf-8")
    with pytest.raises(DatasetError, match="被改过"):
        dataset.verify(workspace, version)


def test_the_manifest_names_rules_revision_balance_and_parents(
    workspace: Workspace, version: DatasetVersion
) -> None:
    second = dataset.freeze(workspace, "wishes", "v2", balance=Balance(per_style=3, shuffle=True))
    manifest = second.manifest
    assert manifest["parents"] == [{"name": "v1", "sha256": version.sha256, "count": version.count}]
    assert manifest["balance"]["per_style"] == 3 and manifest["left_out"] == 24 - 9
    assert "near_duplicate" in manifest["rules"]["ids"] and len(manifest["rules"]["basis"]) == 64
    assert (
        0 < manifest["distinct_overall"][0] <= 1
        and sum(cell[2] for cell in manifest["cells"]) == second.count
    )
    with pytest.raises(DatasetError, match="v9"):
        dataset.freeze(workspace, "wishes", "v3", parent="v9")


def test_the_card_stands_beside_the_file_in_both_languages(
    workspace: Workspace, version: DatasetVersion
) -> None:
    folder = workspace.home / version.folder
    chinese = (folder / "README_zh.md").read_text(encoding="utf-8")
    english = (folder / "README.md").read_text(encoding="utf-8")
    for card in (chinese, english):
        assert version.sha256 in card and str(version.count) in card and "near_duplicate" in card
    assert "怎么来的" in chinese and "How it was made" in english


def test_libraries_read_what_was_exported_for_them(workspace: Workspace, version: DatasetVersion) -> None:
    forms = (dataset.MERGED, dataset.ALPACA, dataset.SHAREGPT, dataset.MESSAGES, dataset.PARQUET, dataset.HUB)
    paths = {form: str(dataset.export(workspace, version, form)) for form in forms}
    script = f"""
        import json
        from datasets import load_dataset
        from xtuner.dataset.map_fns import alpaca_map_fn, openai_map_fn
        paths = {paths!r}
        def rows(kind, path):
            return load_dataset(kind, data_files={{"train": path}})["train"]
        found = {{}}
        for form in ("merged", "parquet"):
            kind = form if form == "parquet" else "json"
            found[form] = [row["conversation"][-1]["output"] for row in rows(kind, paths[form])]
        alpaca = [alpaca_map_fn(row)["conversation"] for row in rows("json", paths["alpaca"])]
        found["alpaca"] = [conversation[0]["output"] for conversation in alpaca]
        found["sharegpt"] = [row["conversations"][-1]["value"] for row in rows("json", paths["sharegpt"])]
        messages = [openai_map_fn(row)["conversation"] for row in rows("json", paths["messages"])]
        found["messages"] = [conversation[-1]["output"] for conversation in messages]
        hub = load_dataset(paths["huggingface"])
        found["huggingface"] = [row["conversation"][-1]["output"] for row in hub["train"]]
        found["validation"] = len(hub["validation"])
        print(json.dumps(found))
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)],
        capture_output=True,
        text=True,
        env=os.environ | {"HF_HUB_OFFLINE": "1", "HF_DATASETS_CACHE": str(workspace.home / "cache")},
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout.splitlines()[-1])
    wanted = [item["conversation"][-1]["output"] for item in read(dataset.training_file(workspace, version))]
    assert found.pop("validation") == version.manifest["validation"]["count"]
    assert set(found) == set(forms) and all(outputs == wanted for outputs in found.values())


def test_sharegpt_turns_alternate_between_human_and_gpt(
    workspace: Workspace, version: DatasetVersion
) -> None:
    items = json.loads(dataset.exported(workspace, version, dataset.SHAREGPT))
    for item in items:
        assert [turn["from"] for turn in item["conversations"]] == ["human", "gpt"] * (
            len(item["conversations"]) // 2
        )


def test_pandas_reads_csv_and_parquet(workspace: Workspace, version: DatasetVersion) -> None:
    table = pandas.read_csv(BytesIO(dataset.exported(workspace, version, dataset.CSV)), keep_default_na=False)
    assert list(table.columns) == ["system", "input", "output", "history"] and len(table) == version.count
    columns = parquet.read_table(BytesIO(dataset.exported(workspace, version, dataset.PARQUET)))
    assert columns.num_rows == version.count
    first = columns.to_pylist()[0]["conversation"]
    assert first == read(dataset.training_file(workspace, version))[0]["conversation"]


def test_no_cell_of_a_csv_file_is_a_formula(workspace: Workspace) -> None:
    fill(workspace)
    version = dataset.freeze(workspace, "wishes", "all")
    table = pandas.read_csv(BytesIO(dataset.exported(workspace, version, dataset.CSV)), keep_default_na=False)
    cells = [cell for column in table.columns for cell in table[column]]
    assert f"'{RISKY}" in cells and not any(cell.startswith(("=", "+", "-", "@")) for cell in cells)


@pytest.mark.parametrize("text", ["", "普通", "=1+1", "'引号", "''", "'=1", "@某人", "-5", "\t空", "'普通"])
def test_a_cell_made_safe_reads_as_before(text: str) -> None:
    assert plain_cell(safe_cell(text)) == text


def test_the_validation_split_is_exported_on_demand(workspace: Workspace, version: DatasetVersion) -> None:
    held = json.loads(dataset.exported(workspace, version, dataset.MERGED, split="validation"))
    assert len(held) == version.manifest["validation"]["count"]
    plain = dataset.freeze(workspace, "wishes", "v2")
    with pytest.raises(DatasetError, match="没有验证集"):
        dataset.exported(workspace, plain, dataset.ALPACA, split="validation")


def test_a_zipped_folder_has_the_card_and_both_splits(workspace: Workspace, version: DatasetVersion) -> None:
    content = BytesIO(dataset.exported(workspace, version, dataset.HUB))
    with zipfile.ZipFile(content) as archive:
        names = archive.namelist()
        assert "split: validation" in archive.read("README.md").decode()
    assert len([name for name in names if name.endswith(".parquet")]) == 2


def test_two_versions_are_compared_by_question_and_answer(workspace: Workspace) -> None:
    ids = fill(workspace, 6)
    first = dataset.freeze(workspace, "wishes", "v1")
    steps.edit(workspace.engine, "wishes", ids[0], 1, "改过的一条", "我")
    steps.set_state(workspace.engine, SampleFilter("wishes", ids=(ids[5],)), samples.REJECTED, "我")
    with writing(workspace.engine) as connection:
        new = NewSample(
            "wishes", "系统提示", "祝李总发财", "新的一条", "李总", "发财", "严肃", state=ACCEPTED
        )
        samples.insert_new(connection, [new], IMPORT)
    second = dataset.freeze(workspace, "wishes", "v2")
    found = dataset.difference(workspace, first, second)
    assert found.same == 4
    assert [c.after for c in found.added] == ["新的一条"]
    assert [c.before[:3] for c in found.removed] == ["第5条"]
    assert [(c.before[:3], c.after) for c in found.changed] == [("第0条", "改过的一条")]
    assert found.styles["严肃"] == 1 and datasets.by_name(workspace.engine, "v2") == second


@pytest.mark.parametrize(
    "text",
    [
        "输入,输出,风格\n祝妹妹生日,妹妹生日快乐呀,小红书\n",
        "\ufeffinput;output;style\n祝妹妹生日;妹妹生日快乐呀;小红书\n",
        "instruction\toutput\tstyle\n祝妹妹生日\t妹妹生日快乐呀\t小红书\n",
    ],
)
def test_a_csv_file_is_imported_whatever_its_headings_and_separator(workspace: Workspace, text: str) -> None:
    report = dataset.import_bytes(workspace, "wishes", text.encode(), "x.csv")
    assert (report.added, report.bad) == (1, ())
    (sample,) = samples.page(workspace.engine, SampleFilter("wishes"))
    assert (sample.name, sample.scene, sample.style) == ("妹妹", "生日", "小红书")
    assert sample.output == "妹妹生日快乐呀"


def test_a_csv_row_without_answer_is_reported_and_one_without_columns_refused(workspace: Workspace) -> None:
    text = "input,output\n祝妹妹生日,\n祝爷爷生日,爷爷生日快乐\n"
    report = dataset.import_bytes(workspace, "wishes", text.encode("gb18030"), "x.csv")
    assert report.added == 1 and [number for number, _reason in report.bad] == [1]
    with pytest.raises(ImportFileError, match="表头"):
        dataset.import_bytes(workspace, "wishes", "甲,乙\n1,2\n".encode(), "x.csv")
