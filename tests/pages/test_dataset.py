"""The dataset page: freeze what was accepted, check a version, import a file."""

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from tests.modelscope_datasets import modelscope_of
from tests.pages.opening import opened
from tests.tiny_datasets_hub import hub_of
from tianji_core import dataset, jobs
from tianji_core.recipe.editing import ListRow, edit_names
from tianji_core.store import datasets, recipes, samples, steps
from tianji_core.store.database import writing
from tianji_core.store.samples import ACCEPTED, IMPORT, NewSample, SampleFilter
from tianji_core.workspace import Workspace

Open = Callable[..., AppTest]


@pytest.fixture
def page(workspace: Workspace) -> Open:
    return partial(opened, "dataset")


@pytest.fixture
def accepted(workspace: Workspace) -> None:
    new = [
        NewSample(
            "wishes", "系统", f"祝妹妹生日{n}", f"第{n}个生日快乐", "妹妹", "生日", "正常", state=ACCEPTED
        )
        for n in range(3)
    ]
    with writing(workspace.engine) as connection:
        samples.insert_new(connection, new, IMPORT)


def press(app: AppTest, key: str) -> AppTest:
    app.button(key=key).click().run()
    assert not app.exception
    return app


def test_with_nothing_accepted_the_page_points_to_the_review(page: Open) -> None:
    assert any("还没有采用的样本" in info.value for info in page().info)


def test_freezing_makes_a_version_and_shows_it(page: Open, workspace: Workspace, accepted: None) -> None:
    app = page()
    app.text_input(key="version_name").input("第一版")
    app.text_area(key="version_note").input("试一试")
    press(app, "freeze")
    (version,) = datasets.listed(workspace.engine)
    assert (version.name, version.count, version.note) == ("第一版", 3, "试一试")
    assert any("第一版" in m.value for m in app.markdown)


def test_samples_of_a_name_that_the_lists_no_longer_have_are_told_beside_the_map(
    page: Open, workspace: Workspace, accepted: None
) -> None:
    assert not any("不在图上" in caption.value for caption in page().caption)
    recipe = recipes.current(workspace.engine, "wishes").recipe
    rows = [ListRow(place, name.model_dump()) for place, name in enumerate(recipe.names)]
    rows = [ListRow(o, {**v, "text": "大妹"} if v["text"] == "妹妹" else v) for o, v in rows]
    recipes.save(workspace.engine, edit_names(recipe, rows), 0, "称谓")
    assert any("另有 3 条不在图上" in note.value and "妹妹 3" in note.value for note in page().caption)


def test_a_name_that_cannot_be_used_is_said_on_the_page(
    page: Open, workspace: Workspace, accepted: None
) -> None:
    app = page()
    app.text_input(key="version_name").input("../x")
    press(app, "freeze")
    assert any("不能用" in error.value for error in app.error)
    assert datasets.listed(workspace.engine) == []


def test_a_changed_version_is_noticed_by_its_button(page: Open, workspace: Workspace, accepted: None) -> None:
    version = dataset.freeze(workspace, "wishes", "v1")
    app = press(page(part="版本"), f"verify_{version.id}")
    assert not app.error
    path = dataset.training_file(workspace, version)
    path.chmod(0o644)
    path.write_text("[]", encoding="utf-8")
    press(app, f"verify_{version.id}")
    assert any("被改过" in error.value for error in app.error)


def test_a_file_is_imported_by_path_with_its_bad_items_listed(
    page: Open, workspace: Workspace, tmp_path: Path
) -> None:
    file = tmp_path / "in.json"
    file.write_text(
        json.dumps([{"input": "祝妹妹生日", "output": "生日快乐"}, 3], ensure_ascii=False), "utf-8"
    )
    app = page(part="导入")
    app.text_input(key="import_path").input(str(file)).run()
    assert any("可以导入 1 条，有问题 1 条" in text.value for text in app.markdown)
    assert app.dataframe[0].value["内容"].tolist() == ["生日快乐"]
    assert app.dataframe[1].value.iloc[0, 0] == 2
    assert samples.total(workspace.engine, "wishes") == 0
    press(app, "import")
    assert any("新增 1 条" in w.value and "有问题 1 条" in w.value for w in app.warning)
    assert app.dataframe[2].value.iloc[0, 0] == 2
    assert samples.total(workspace.engine, "wishes") == 1


def test_conversations_become_a_version_of_their_own_and_no_samples(
    page: Open, workspace: Workspace, tmp_path: Path
) -> None:
    file = tmp_path / "in.json"
    file.write_text(json.dumps([{"input": "你好", "output": "你好呀"}], ensure_ascii=False), "utf-8")
    app = page(part="导入")
    app.text_input(key="import_path").input(str(file))
    app.text_input(key="import_version").input("闲 聊").run()
    press(app, "import")
    assert any("“闲 聊”不能用" in error.value for error in app.error)
    assert app.text_input(key="import_version").value == "闲 聊"
    app.text_input(key="import_version").input("闲聊").run()
    press(app, "import")
    (version,) = datasets.listed(workspace.engine)
    assert (version.name, version.count, version.conversations) == ("闲聊", 1, True)
    assert samples.total(workspace.engine) == 0


def test_a_path_that_does_not_exist_is_said_on_the_page(page: Open, tmp_path: Path) -> None:
    app = page(part="导入")
    app.text_input(key="import_path").input(str(tmp_path / "nowhere")).run()
    assert any("检查路径" in error.value for error in app.error)


def test_a_version_is_balanced_and_split_as_the_form_says(page: Open, workspace: Workspace) -> None:
    new = [
        NewSample("wishes", "系统", f"祝{n}", f"第{n}条生日快乐", name, "生日", "正常", state=ACCEPTED)
        for n, name in enumerate(("妹妹", "爷爷", "母亲", "姐姐") * 5)
    ]
    with writing(workspace.engine) as connection:
        samples.insert_new(connection, new, IMPORT)
    app = page()
    app.text_input(key="version_name").input("v1")
    app.number_input(key="freeze_per_cell").set_value(3)
    app.slider(key="freeze_validation").set_value(25)
    press(app, "freeze")
    (version,) = datasets.listed(workspace.engine)
    assert (version.count, version.manifest["validation"]["count"], version.manifest["left_out"]) == (9, 3, 8)
    assert any("验证集 3 条" in c.value for c in app.caption)


def test_two_versions_are_compared_on_the_page(page: Open, workspace: Workspace, accepted: None) -> None:
    dataset.freeze(workspace, "wishes", "v1")
    with writing(workspace.engine) as connection:
        new = NewSample("wishes", "系统", "祝妹妹春节", "春节快乐", "妹妹", "春节", "正常", state=ACCEPTED)
        samples.insert_new(connection, [new], IMPORT)
    dataset.freeze(workspace, "wishes", "v2")
    app = page(part="版本")
    assert [(m.label, m.value) for m in app.metric][:4] == [
        ("一样", "3"),
        ("新增", "1"),
        ("去掉", "0"),
        ("改了回答", "0"),
    ]


def test_a_dataset_is_fetched_by_name_in_the_background(
    page: Open, workspace: Workspace, tmp_path: Path
) -> None:
    (tmp_path / "hub").mkdir()
    items = [{"input": "祝妹妹生日", "output": "<b>生日</b>快乐"}, {"question": "=1+1"}]
    (tmp_path / "hub" / "a.json").write_text(json.dumps(items), "utf-8")
    with hub_of(tmp_path / "hub", "someone/wishes") as hub:
        app = page(part="导入")
        app.segmented_control(key="hub_source").set_value("huggingface").run()
        app.text_input(key="hub_dataset").input("someone/wishes")
        app.text_input(key="hub_endpoint_huggingface").input(hub.url)
        press(app, "fetch_hub")
        (job,) = jobs.listed(workspace)
        assert jobs.wait(workspace, job.id, timeout=60).state == "succeeded"
        app.run()
        assert any("可以导入 1 条，有问题 1 条" in m.value for m in app.markdown)
        assert samples.total(workspace.engine) == 0, "a preview adds nothing"
    press(app, "import_fetched")
    assert jobs.wait(workspace, jobs.listed(workspace)[0].id, timeout=60).state == "succeeded"
    app.run()
    assert any("新增 1 条" in w.value and "有问题 1 条" in w.value for w in app.warning)
    assert app.text_input(key="hub_endpoint_huggingface").value == hub.url
    assert samples.total(workspace.engine) == 1


def test_a_subset_of_a_dataset_on_modelscope_becomes_a_version_of_its_own(
    page: Open, workspace: Workspace, tmp_path: Path
) -> None:
    for name in ("zh", "en"):
        (tmp_path / "hub" / name).mkdir(parents=True)
        lines = [json.dumps({"question": f"{name}{n}", "answer": "好"}, ensure_ascii=False) for n in range(9)]
        (tmp_path / "hub" / name / "a.jsonl").write_text("\n".join(lines), "utf-8")
    with modelscope_of(tmp_path / "hub", "someone/chat") as hub:
        app = page(part="导入")
        app.segmented_control(key="hub_source").set_value("modelscope").run()
        app.text_input(key="import_version").input("闲聊").run()
        app.text_input(key="hub_dataset").input("https://modelscope.cn/datasets/someone/chat")
        app.text_input(key="hub_endpoint_modelscope").input(hub.url)
        app.text_input(key="hub_files").input("zh/*")
        app.number_input(key="hub_rows").set_value(5)
        press(app, "fetch_hub")
        (job,) = jobs.listed(workspace)
        assert jobs.wait(workspace, job.id, timeout=60).state == "succeeded", jobs.log_tail(workspace, job.id)
        app.run()
        assert any("可以导入 9 条" in m.value for m in app.markdown)
        app.number_input(key="hub_rows").set_value(4).run()  # said after the download
        assert app.segmented_control(key="hub_source").value == "modelscope"
        assert {name for name, _range in hub.requests} == {"zh/a.jsonl"}
    press(app, "import_fetched")
    assert jobs.wait(workspace, jobs.listed(workspace)[0].id, timeout=60).state == "succeeded"
    assert datasets.by_name(workspace.engine, "闲聊").count == 4


def test_a_mirror_of_one_hub_gets_nothing_of_the_other(page: Open) -> None:
    app = page(part="导入")
    app.segmented_control(key="hub_source").set_value("huggingface").run()
    app.text_input(key="hub_endpoint_huggingface").input("https://hf-mirror.com").run()
    app.segmented_control(key="hub_source").set_value("modelscope").run()
    assert app.text_input(key="hub_endpoint_modelscope").value == ""
    app.segmented_control(key="hub_source").set_value("huggingface").run()
    assert app.text_input(key="hub_endpoint_huggingface").value == "https://hf-mirror.com"
    app.text_input(key="hub_dataset").input("https://modelscope.cn/datasets/someone/chat").run()
    assert app.text_input(key="hub_endpoint_modelscope").value == ""


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("hub_files", ",".join(f"{n}.json" for n in range(21))),
        ("hub_files", "x" * 201),
        ("hub_dataset", "https://["),
        ("hub_dataset", "a]://[b"),
    ],
)
def test_what_no_hub_takes_is_said_on_the_page(page: Open, workspace: Workspace, key: str, text: str) -> None:
    app = page(part="导入")
    app.segmented_control(key="hub_source").set_value("huggingface").run()
    app.text_input(key=key).input(text)
    press(app, "fetch_hub")
    assert len(app.error) == 1 and jobs.listed(workspace) == []


def test_a_large_file_is_imported_in_the_background(page: Open, workspace: Workspace, tmp_path: Path) -> None:
    file = tmp_path / "large.jsonl"
    line = json.dumps({"input": "祝妹妹生日", "output": "生日快乐"}).encode() + b"\n"
    with file.open("wb") as opened_file:
        opened_file.write(line)
        opened_file.write(b" " * (33 * 1024 * 1024))
    app = page(part="导入")
    app.text_input(key="import_path").input(str(file)).run()
    press(app, "import")
    (job,) = jobs.listed(workspace)
    assert jobs.wait(workspace, job.id, timeout=60).state == "succeeded"
    assert samples.total(workspace.engine) == 1


def test_what_is_inside_a_version_is_told_in_figures(
    page: Open, workspace: Workspace, accepted: None
) -> None:
    version = dataset.freeze(workspace, "wishes", "v1")
    app = page(part="版本")
    app.session_state[f"inside_{version.id}"] = True
    app.run()
    assert not app.exception
    shown = {metric.label: metric.value for metric in app.metric}
    assert shown["self-BLEU"] == f"{version.manifest['self_bleu']:.3f}"
    assert ["个生日快乐", 1.0] in version.manifest["phrases"]


def test_a_version_is_made_of_one_batch_or_of_what_one_person_accepted(
    page: Open, workspace: Workspace
) -> None:
    """The number above the form follows the filter, and the note typed before is there on the way back."""
    new = [
        NewSample("wishes", "系统", f"祝{n}", f"第{n}条生日快乐", "妹妹", "生日", "正常", model=model)
        for n, model in enumerate(("甲模型", "甲模型", "乙模型"))
    ]
    with writing(workspace.engine) as connection:
        samples.insert_new(connection, new, IMPORT)
    for who, number in (("李", 1), ("王", 2), ("王", 3)):
        steps.set_state(workspace.engine, SampleFilter("wishes", ids=(number,)), ACCEPTED, who)
    app = page()
    app.text_area(key="version_note").input("乙的").run()
    app.multiselect(key="freeze_teachers").select("甲模型").run()
    assert app.metric[0].value == "2"
    app.selectbox(key="freeze_reviewer").select("王").run()
    assert app.metric[0].value == "1"
    again = page()
    assert (again.metric[0].value, again.text_area(key="version_note").value) == ("1", "乙的")
    press(again, "freeze")
    (version,) = datasets.listed(workspace.engine)
    assert (version.count, version.note, version.manifest["filter"]["reviewer"]) == (1, "乙的", "王")
    assert page().text_area(key="version_note").value == ""
