"""The suitability map under a real mouse: a row, a column, a box, and the way from a cell to its samples."""

from urllib.parse import unquote

from playwright.sync_api import Page, expect

from tests.e2e.driving import Studio, map_drawn, middle, settle, until, visit
from tianji_core import generation, jobs
from tianji_core.recipe import Plan, Recipe
from tianji_core.store import recipes
from tianji_core.teachers import Sampling, TeacherChoice


def test_rows_columns_and_boxes_are_changed_and_a_cell_leads_to_its_samples(
    page: Page, studio: Studio
) -> None:
    space = studio.workspace

    def now() -> Recipe:
        return recipes.current(space.engine, "wishes").recipe

    def changed(revision: int) -> None:
        until(lambda: recipes.current(space.engine, "wishes").revision == revision, 120)

    run = generation.create_run(
        space, "wishes", Plan(styles=("正常",), cells=(("大舅", "春节"),)), TeacherChoice(), Sampling()
    )
    jobs.wait(space, generation.start_generation(space, run.id).id, timeout=60)
    names, scenes = [n.text for n in now().names], [s.text for s in now().scenes]
    page.set_viewport_size({"width": 1440, "height": 1400})
    visit(page, studio, "heatmap")
    page.mouse.click(*middle(map_drawn(page, "suitability_0_cycle__False").nth(1).locator(".point").first))
    changed(1)
    assert {now().matrix().value(names[0], scene) for scene in scenes} == {0}
    handles = map_drawn(page, "suitability_1_cycle__False").nth(1).locator(".point")
    page.mouse.click(*middle(handles.nth(len(names) + 3)))
    changed(2)
    assert {now().matrix().value(name, scenes[3]) for name in names} == {0}

    map_drawn(page, "suitability_2_cycle__False")
    page.get_by_text("框选为存疑").click()
    cells = map_drawn(page, "suitability_2_1__False").first.locator(".point")
    (left, top), (right, bottom) = (middle(cells.nth(18 * row + row)) for row in (6, 8))
    page.mouse.move(left - 8, top - 8)
    page.mouse.down()
    page.mouse.move(right + 8, bottom + 8, steps=6)
    page.mouse.up()
    changed(3)
    assert {now().matrix().value(name, scene) for name in names[6:9] for scene in scenes[6:9]} == {1}
    assert now().matrix().value(names[9], scenes[6]) != 1

    visit(page, studio, "heatmap?map_view=样本覆盖")
    page.mouse.click(*middle(map_drawn(page, "coverage_map").first.locator(".point").nth(18 + 1)))
    page.wait_for_url("**/review?**")
    settle(page)
    assert "name=大舅&scene=春节" in unquote(page.url)
    expect(page.get_by_text("符合筛选的第 1 条，共 1 条")).to_be_visible()
