"""适配度页: rows and columns at once, styles by themselves, coverage, a teacher's ratings, samples that no longer
fit."""

import json
from pathlib import Path

from streamlit.testing.v1 import AppTest

from pages.heatmap.cell_figure import WHOLE, chosen_cells
from pages.heatmap.coverage import coverage_figure, review_link
from pages.heatmap.suitability_map import suitability_figure
from tests.loopback import LoopbackApi, completion
from tianji_core import advice, generation, jobs
from tianji_core.generation.top_up import coverage
from tianji_core.recipe import Plan, Recipe, built_in_recipe
from tianji_core.recipe.editing import changed
from tianji_core.store import recipes, samples, steps
from tianji_core.store.samples import CellCount, SampleFilter
from tianji_core.teachers import Sampling, TeacherChoice
from tianji_core.workspace import Workspace

ROOT = Path(__file__).resolve().parents[2]


def page(**query: str) -> AppTest:
    at = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).run()
    for name, value in query.items():
        at.query_params[name] = value
    at = at.switch_page("pages/heatmap/page.py").run()
    assert not at.exception
    return at


def now(workspace: Workspace) -> Recipe:
    return recipes.current(workspace.engine, "wishes").recipe


def apply(at: AppTest) -> AppTest:
    return next(b for b in at.button if b.label == "修改").click().run()


def test_a_whole_row_is_changed_by_form_and_taken_back_and_done_again(workspace: Workspace) -> None:
    at = page()
    at.multiselect(key="cell_names").set_value(["姐姐"])
    at.selectbox(key="cell_value").set_value(0)
    apply(at)
    row = [s.text for s in now(workspace).scenes]
    assert {now(workspace).matrix().value("姐姐", s) for s in row} == {0}
    at.button(key="undo_recipe").click().run()
    assert now(workspace).matrix().value("姐姐", "生日") == 2
    at.button(key="redo_recipe").click().run()
    assert now(workspace).matrix().value("姐姐", "生日") == 0


def tasks_per_round(at: AppTest) -> int:
    (line,) = (element.value for element in at.caption if "每一轮" in element.value)
    return int(line.split("每一轮 **")[1].split("**")[0].replace(",", ""))


def test_a_style_is_switched_off_for_a_column_with_a_reason(workspace: Workspace) -> None:
    at = page()
    at.selectbox(key="layer").select("诗词赋").run()
    before = tasks_per_round(at)
    at.multiselect(key="cell_scenes").set_value(["谈判顺利"])
    at.text_input(key="cell_reason").set_value("谈生意不吟诗")
    apply(at)
    gap = now(workspace).gap("诗词赋", "李总", "谈判顺利")
    assert gap is not None and gap.reason == "谈生意不吟诗" and gap.names == ()
    assert now(workspace).gap("正常", "李总", "谈判顺利") is None
    assert tasks_per_round(at) < before


def test_nothing_chosen_changes_nothing(workspace: Workspace) -> None:
    at = apply(page())
    assert "请至少选一行或一列" in " ".join(e.value for e in at.error)
    assert recipes.current(workspace.engine, "wishes").revision == 0


def test_the_map_is_filtered_and_ordered(workspace: Workspace) -> None:
    at = page(map_order="不适合的在前")
    at.multiselect(key="map_relations").set_value(["superior"]).run()
    at.multiselect(key="map_kinds").set_value(["career"]).run()
    assert not at.exception
    assert at.multiselect(key="cell_names").options == ["老板", "李总", "领导"]
    assert set(at.multiselect(key="cell_scenes").options) == {
        "谈判顺利",
        "比赛取得好成绩",
        "发财",
        "工作升职",
    }


def test_a_link_to_a_part_of_the_map_holds_ids_and_older_ones_open_in_every_language(
    workspace: Workspace,
) -> None:
    at = page()
    at.multiselect(key="map_kinds").set_value(["career"]).run()
    assert at.query_params["map_kinds"] == "career"
    at.multiselect(key="map_kinds").set_value([]).run()
    assert "map_kinds" not in at.query_params
    for asked in ("career", "事业", "Career"):
        assert page(map_kinds=asked).multiselect(key="map_kinds").value == ["career"], asked
    assert page(map_kinds="没有这一类").multiselect(key="map_kinds").value == []


class Picked:
    def __init__(self, *points: tuple[str, str]) -> None:
        self.selection = self
        self.points = [{"customdata": list(point)} for point in points]


def test_one_row_is_shown_and_its_cells_are_changed_by_buttons(workspace: Workspace) -> None:
    at = page(map_row="大舅")
    cells = {
        button.label.split()[-1]: button for button in at.button if (button.key or "")[:9] == "row_cell_"
    }
    assert len(cells) == len(now(workspace).scenes) and cells["生日"].label == "🟦 生日"
    cells["生日"].click().run()
    assert not at.exception and now(workspace).matrix().value("大舅", "生日") == 1
    assert at.button(key="row_cell_0").label == "🟨 ? 生日"
    at.button(key="row_after").click().run()
    assert at.selectbox(key="map_row").value == "大伯"
    style = page(map_row="大伯", layer="诗词赋")
    style.button(key="row_cell_0").click().run()
    assert now(workspace).gap("诗词赋", "大伯", "生日") is not None


def test_a_handle_stands_for_the_cells_that_are_shown() -> None:
    cells, whole = chosen_cells(Picked(("姐姐", WHOLE)), ["姐姐", "哥哥"], ["生日", "春节"])
    assert whole and cells == [("姐姐", "生日"), ("姐姐", "春节")]
    cells, whole = chosen_cells(Picked((WHOLE, "生日"), ("姐姐", "生日")), ["姐姐", "哥哥"], ["生日", "春节"])
    assert whole and cells == [("姐姐", "生日"), ("哥哥", "生日")]
    assert chosen_cells(Picked(("姐姐", "生日")), ["姐姐"], ["生日"]) == ([("姐姐", "生日")], False)


def test_hovering_tells_the_reason_of_the_cell_and_of_the_style() -> None:
    toasts = built_in_recipe("toasts")
    names, scenes = [n.text for n in toasts.names], [s.text for s in toasts.scenes]
    figure = suitability_figure(toasts, names, scenes, False, "幽默")
    text = " ".join(figure.data[1].text)
    assert "年夜饭是家里人的" in text and "幽默不写：谈生意的场面不拿人逗乐" in text


def test_coverage_shows_numbers_and_leads_to_the_cell() -> None:
    toasts = built_in_recipe("toasts")
    covered = coverage(toasts, [CellCount("大哥", "婚宴", 3, 1, 1)])
    figure = coverage_figure(covered, ["大哥", "岳父"], ["婚宴", "公司年会"], share=False)
    assert [list(row) for row in figure.data[0].z] == [[4, 0], [0, None]]
    shares = coverage_figure(covered, ["大哥"], ["婚宴"], share=True)
    assert list(shares.data[0].z[0]) == [50]
    link = review_link(("大哥", "婚宴"), ("得体",))
    assert link == {"state": "全部", "name": ["大哥"], "scene": ["婚宴"], "style": ["得体"]}


def written(workspace: Workspace, limit: int = 60) -> None:
    plan = Plan(styles=("正常",), limit=limit)
    run = generation.create_run(workspace, "wishes", plan, TeacherChoice(), Sampling())
    jobs.wait(workspace, generation.start_generation(workspace, run.id).id, timeout=60)


def test_thin_cells_are_topped_up(workspace: Workspace) -> None:
    written(workspace)
    at = page(map_view="样本覆盖")
    at.button_group(key="coverage_styles").set_value(["正常"]).run()
    at.number_input(key="top_up_target").set_value(1).run()
    before = samples.total(workspace.engine, "wishes")
    lacking = int({m.label: m.value for m in at.metric}["还没有样本的格子"])
    assert lacking == 451 - before
    assert any(f"**{lacking} 个任务 · 免费" in m.value for m in at.markdown)
    at.button(key="top_up").click().run()
    assert not at.exception
    for job in jobs.listed(workspace, active=True):
        jobs.wait(workspace, job.id, timeout=60)
    assert samples.total(workspace.engine, "wishes") == 451


def test_coverage_without_samples_invites_to_make_some(workspace: Workspace) -> None:
    at = page(map_view="样本覆盖")
    assert any("还没有样本" in i.value for i in at.info)


def test_samples_that_no_longer_fit_are_rejected_and_brought_back(workspace: Workspace) -> None:
    written(workspace)
    sample = samples.page(workspace.engine, SampleFilter("wishes"), limit=1)[0]
    recipe = now(workspace)
    matrix = recipe.matrix()
    matrix.set(sample.name, sample.scene, 0, "试试")
    recipes.save(workspace.engine, changed(recipe, suitability=matrix.to_groups()), 0, "试试")
    at = page(map_view="不再合适的样本")
    at.button(key="reject_misfits").click().run()
    assert samples.get(workspace.engine, sample.id).state == "rejected"
    assert any("没有样本落在" in s.value for s in at.success)
    at.button(key="undo").click().run()
    assert samples.get(workspace.engine, sample.id).state == "pending"
    assert steps.last(workspace.engine, "wishes") is None


def test_ratings_are_shown_as_differences_and_taken_over(workspace: Workspace, api: LoopbackApi) -> None:
    own = (
        f"lab:\n  title: 实验室\n  sdk: openai\n  base_url: {api.url}\n  models: [{{name: loopback-model}}]\n"
    )
    (workspace.home / "providers.yaml").write_text(own, encoding="utf-8")

    def rates(handler, _body) -> None:
        item = {"scene": "生日", "value": 1, "reason": "要看交情"}
        handler.send_json(200, completion(json.dumps([item], ensure_ascii=False)))

    api.default = rates
    at = page(map_view="让模型打分")
    assert any("离线造句" in i.value for i in at.info) and at.button(key="rate_cells").disabled
    at.selectbox(key="rate_provider").select("lab").run()
    at.button(key="rate_cells").click().run()
    assert not at.exception and not at.error
    job = advice.rating_job(workspace, "wishes")
    assert job is not None
    ended = jobs.wait(workspace, job.id, timeout=60)
    assert ended.state == "failed" and "还缺 476 个" in ended.note, "17 of 18 scenes got no opinion"
    again = page(map_view="让模型打分")
    assert "补打缺的 476 个格子" in again.button(key="rate_cells").label
    assert "28 个格子看法不同" in " ".join(s.value for s in again.subheader)
    assert again.button(key="take_ratings").disabled
    again.button(key="take_all_ratings").click().run()
    assert now(workspace).matrix().rating("大舅", "生日") == (1, "要看交情")
    assert any("完全一致" in s.value for s in again.success)
