"""造数页: what is shown before the start, starting, following, and going on after failures."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text
from streamlit.testing.v1 import AppTest

from tests.loopback import LoopbackApi, fails, says
from tests.processes import until
from tianji_core import cli, jobs, notices
from tianji_core.drafts import TableEdits, changing_draft, load_draft
from tianji_core.generation import jobs_by_run, run_state
from tianji_core.recipe.editing import changed
from tianji_core.store import recipes, samples
from tianji_core.store import runs as rows
from tianji_core.store.database import writing
from tianji_core.store.samples import SampleFilter
from tianji_core.teachers import providers
from tianji_core.workspace import Workspace

ROOT = Path(__file__).resolve().parents[2]


def page(**query: str) -> AppTest:
    at = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).run()
    for name, value in query.items():
        at.query_params[name] = value
    at = at.switch_page("pages/generate/page.py").run()
    assert not at.exception
    return at


def metrics(at: AppTest) -> dict[str, str]:
    return {metric.label: metric.value for metric in at.metric}


def errors(at: AppTest) -> str:
    return " ".join(element.value for element in at.error).replace("\\", "")


def finish(workspace: Workspace, run_id: int) -> None:
    jobs.wait(workspace, jobs_by_run(workspace)[run_id].id, timeout=60)


def lab_page(workspace: Workspace, api: LoopbackApi) -> AppTest:
    """The page with a teacher of the person's own chosen, four tasks."""
    own = (
        "lab:\n  title: 实验室\n  sdk: openai\n  key_variable: LAB_KEY\n  key_required: false\n"
        f"  base_url: {api.url}\n  models: [{{name: loopback-model, input_price: 1, output_price: 2}}]\n"
    )
    (workspace.home / "providers.yaml").write_text(own, encoding="utf-8")
    at = page(provider="lab")
    at.number_input(key="limit").set_value(4)
    return at.run()


def test_the_number_of_tasks_follows_the_form(workspace: Workspace):
    at = page()
    before = int(metrics(at)["任务"].replace(",", ""))
    at.number_input(key="rounds").set_value(2)
    at.run()
    assert int(metrics(at)["任务"].replace(",", "")) == 2 * before
    at.number_input(key="limit").set_value(7)
    at.run()
    assert metrics(at)["任务"] == "7"
    assert "7" in at.button(key="start_run").label


def test_no_style_means_no_start(workspace: Workspace):
    at = page()
    at.button_group(key="styles").set_value([])
    at.run()
    assert at.button(key="start_run").disabled
    assert "没有任务" in " ".join(w.value for w in at.warning)


def test_an_offline_run_starts_and_is_followed_by_its_link(workspace: Workspace):
    at = page()
    at.number_input(key="limit").set_value(20)
    at.checkbox(key="generate_notify").check()
    at.run()
    at.button(key="start_run").click()
    at.run()
    assert not at.exception and not errors(at)
    assert at.query_params["run"] == "1"
    assert not at.checkbox(key="generate_notify").value, "the choice was for this run alone"
    finish(workspace, 1)
    [job] = jobs.listed(workspace, kind="generate")
    assert notices.load_afterwards(workspace, job.id) == notices.Afterwards(notify=True)
    again = page(run="1")
    assert metrics(again)["写好"] == "20"
    assert rows.get(workspace.engine, 1).teacher["mistakes"] == 0.03


def test_a_missing_key_is_named_and_nothing_is_started(workspace: Workspace):
    at = page(provider="deepseek")
    assert any("DEEPSEEK_API_KEY" in w.value for w in at.warning)
    at.button(key="start_run").click()
    at.run()
    assert "DEEPSEEK_API_KEY" in errors(at)
    assert rows.listed(workspace.engine) == []


def test_a_dry_run_shows_the_prompt_that_was_sent_and_its_answer(workspace: Workspace, api: LoopbackApi):
    api.default = says("祝您福寿安康。")
    at = lab_page(workspace, api)
    at.button(key="dry_run").click()
    at.run()
    assert not errors(at)
    shown = {code.value for code in at.code}
    assert len(api.prompts()) == 3 and set(api.prompts()) <= shown
    assert [text.value for text in at.text].count("祝您福寿安康。") == 3
    assert rows.listed(workspace.engine) == []


def test_testing_a_connection_says_what_is_wrong(workspace: Workspace, api: LoopbackApi):
    at = lab_page(workspace, api)
    at.button(key="test_connection").click()
    at.run()
    assert any("连接正常" in s.value for s in at.success)
    api.close()
    at.button(key="test_connection").click()
    at.run()
    assert "连不上" in errors(at)


def test_an_address_that_is_none_is_one_sentence(workspace: Workspace):
    at = page(provider="custom")
    at.text_input(key="base_url_custom").set_value("127.0.0.1:8000")
    at.run()
    assert not at.exception
    assert "http://" in errors(at)


def test_a_missing_model_is_asked_for(workspace: Workspace):
    at = page(provider="vllm")
    at.button(key="start_run").click()
    at.run()
    assert "模型名" in errors(at)
    assert rows.listed(workspace.engine) == []


def test_failures_are_shown_by_kind_and_can_be_retried(workspace: Workspace, api: LoopbackApi):
    api.script.append(says("一半", "content_filter"))
    at = lab_page(workspace, api)
    at.button(key="start_run").click()
    at.run()
    finish(workspace, 1)
    at = page(run="1")
    assert any("审核拦下" in w.value for w in at.warning)
    at.button(key="retry_1").click()
    at.run()
    finish(workspace, 1)
    assert run_state(workspace.engine, 1).complete


def test_a_run_that_failed_says_why_and_can_go_on(workspace: Workspace, api: LoopbackApi):
    api.default = fails(401, "no")
    at = lab_page(workspace, api)
    at.button(key="start_run").click()
    at.run()
    finish(workspace, 1)
    at = page(run="1")
    assert "LAB_KEY" in errors(at)
    api.default = says("好的祝福")
    at.button(key="resume_1").click()
    at.run()
    finish(workspace, 1)
    assert run_state(workspace.engine, 1).counts.done == 4


def test_an_unknown_run_is_one_sentence(workspace: Workspace):
    assert "没有编号为 99" in errors(page(run="99"))


def test_the_offline_composer_says_before_the_start_what_it_lacks(workspace: Workspace):
    workspace.save_settings(workspace.settings().model_copy(update={"recipe": "toasts"}))
    at = page()
    said = " ".join(w.value for w in at.warning)
    assert "离线造句写不了" in said and "说法 得体、豪爽、幽默" in said and "configs/composer" in said
    assert at.button(key="start_run").disabled


def test_a_run_stops_at_its_budget_says_so_and_goes_on_with_a_larger_one(
    workspace: Workspace, api: LoopbackApi
):
    at = lab_page(workspace, api)
    at.number_input(key="limit").set_value(30)
    at.number_input(key="budget_tokens").set_value(200)
    at.run()
    at.button(key="start_run").click()
    at.run()
    finish(workspace, 1)
    at = page(run="1")
    assert any("预算" in w.value for w in at.warning)
    assert int(metrics(at)["还没写"]) > 0
    at.number_input(key="budget_tokens_1").set_value(None)
    at.run()
    at.button(key="save_limits_1").click()
    at.run()
    at.button(key="resume_1").click()
    at.run()
    finish(workspace, 1)
    assert run_state(workspace.engine, 1).complete


def test_what_is_left_can_be_given_up_and_taken_up_again(workspace: Workspace, api: LoopbackApi):
    api.default = fails(401, "no")
    at = lab_page(workspace, api)
    at.button(key="start_run").click()
    at.run()
    finish(workspace, 1)
    at = page(run="1")
    at.button(key="cancel_1").click()
    at.run()
    assert metrics(at)["跳过"] == "4" and metrics(at)["还没写"] == "0"
    api.default = says("祝您安康")
    at.button(key="take_up_1").click()
    at.run()
    finish(workspace, 1)
    assert run_state(workspace.engine, 1).complete


def test_several_models_share_a_run_and_are_compared(workspace: Workspace, api: LoopbackApi):
    lab_page(workspace, api)
    own = workspace.home / "providers.yaml"
    text = own.read_text(encoding="utf-8")
    second = text.replace("lab:", "lab2:").replace("实验室", "第二实验室")
    own.write_text(text + second, encoding="utf-8")
    at = page(provider="lab")
    at.number_input(key="limit").set_value(40)
    at.multiselect(key="more_teachers").set_value(["lab2 / loopback-model"])
    at.run()
    assert metrics(at)["任务"] == "40"
    at.button(key="start_run").click()
    at.run()
    assert not at.exception and not errors(at)
    finish(workspace, 1)
    at = page(run="1")
    shown = " ".join(str(table.value) for table in at.table).replace(
        "\\", ""
    )  # escaped: a table reads Markdown
    assert "实验室 · loopback-model" in shown and "第二实验室 · loopback-model" in shown


def test_a_changed_provider_is_saved_and_can_be_put_back(workspace: Workspace):
    at = page(provider="deepseek")
    at.number_input(key="own_requests_deepseek").set_value(50)
    at.run()
    at.button(key="save_provider").click()
    at.run()
    assert not at.exception and not errors(at)
    saved = providers(workspace)["deepseek"]
    assert saved.requests_per_minute == 50
    assert saved.models[0].body == {"thinking": {"type": "disabled"}}
    at.button(key="forget_provider").click()
    at.run()
    assert providers(workspace)["deepseek"].requests_per_minute != 50


def test_off_peak_hours_are_typed_and_the_run_waits_for_them(workspace: Workspace, api: LoopbackApi) -> None:
    at = lab_page(workspace, api)
    assert not [toggle for toggle in at.toggle if toggle.key == "cheap_hours"]
    begins, ends = (f"{datetime.now(UTC) + timedelta(hours=hours):%H:%M}" for hours in (6, 9))
    at.text_input(key="own_cheap_from_lab").set_value(begins)
    at.text_input(key="own_cheap_to_lab").set_value(ends)
    at.text_input(key="own_cheap_zone_lab").set_value("Mars/Olympus")
    at.number_input(key="own_cheap_price_lab").set_value(0.0).run()
    at.button(key="save_provider").click().run()
    assert not at.exception and "off_peak.zone" in errors(at) and "Mars/Olympus" in errors(at)
    assert providers(workspace)["lab"].off_peak is None
    at.text_input(key="own_cheap_zone_lab").set_value("UTC").run()
    at.button(key="save_provider").click().run()
    assert not at.exception and not errors(at)
    saved = providers(workspace)["lab"].off_peak
    assert saved is not None and (saved.begins, saved.ends, saved.price) == (begins, ends, 0.0)
    at.number_input(key="output_price_lab_loopback-model").set_value(10_000.0).run()
    assert metrics(at)["费用（估）"] != "¥0.00", "the usual price, as long as it does not wait"
    assert any(f"{begins}–{ends} UTC" in each.value.replace("\\", "") for each in at.caption)

    at.toggle(key="cheap_hours").set_value(True).run()
    assert metrics(at)["费用（估）"] == "¥0.00" and "小时" in metrics(at)["用时（估）"]
    assert f"{begins}（UTC）才开始写" in " ".join(each.value for each in at.caption).replace("\\", "")
    at.button(key="start_run").click().run()
    assert not at.exception and not errors(at)
    run = max(each.id for each in rows.listed(workspace.engine))
    job = jobs_by_run(workspace)[run].id
    until(lambda: (jobs.read_progress(workspace, job) or jobs.Progress()).paused)
    shown = page(run=str(run))
    assert api.requests == [] and not shown.exception
    jobs.stop(workspace, job)
    finish(workspace, run)
    at = page(run=str(run), provider="lab")  # whoever cannot wait any longer
    at.toggle(key=f"cheap_hours_{run}").set_value(False).run()
    at.button(key=f"save_limits_{run}").click().run()
    at.button(key=f"resume_{run}").click().run()
    finish(workspace, run)
    assert run_state(workspace.engine, run).complete and len(api.requests) == 4

    at = page(provider="lab")
    at.text_input(key="own_cheap_from_lab").set_value("")
    at.text_input(key="own_cheap_to_lab").set_value("").run()
    at.button(key="save_provider").click().run()
    assert providers(workspace)["lab"].off_peak is None and not errors(at)
    assert not [toggle for toggle in at.toggle if toggle.key == "cheap_hours"]


def test_a_model_typed_into_the_table_of_a_provider_is_there_again_until_it_is_saved(workspace: Workspace):
    with changing_draft(workspace, "generate") as draft:  # as the table stores what is typed
        draft.tables["models_deepseek"] = TableEdits(
            added={"a1": {"text": "deepseek-neu", "input_price": 1.5}}
        )
    at = page(provider="deepseek")
    at.button(key="save_provider").click()
    at.run()
    assert not at.exception and not errors(at)
    added = providers(workspace)["deepseek"].models[-1]
    assert (added.name, added.input_price, added.output_price, added.body) == ("deepseek-neu", 1.5, None, {})
    assert load_draft(workspace, "generate").tables.get("models_deepseek", TableEdits()) == TableEdits()


def test_what_is_set_is_there_again_after_a_refresh_and_on_the_way_back(workspace: Workspace):
    at = page()
    at.button_group(key="styles").set_value(["文艺"])
    at.number_input(key="limit").set_value(9)
    at.slider(key="mistakes").set_value(7).run()
    at.switch_page("pages/chat/page.py").run()
    for again in (at.switch_page("pages/generate/page.py").run(), page()):
        assert again.button_group(key="styles").value == ["文艺"]
        assert again.number_input(key="limit").value == 9 and again.slider(key="mistakes").value == 7
    again.selectbox(key="provider").set_value("custom").run()
    again.text_input(key="base_url_custom").set_value("http://127.0.0.1:9/v1")
    again.toggle(key="draw_sampling").set_value(True).run()
    again.slider(key="temperature_True").set_value((0.2, 0.4)).run()
    fresh = page()
    assert fresh.selectbox(key="provider").value == "custom"
    assert fresh.text_input(key="base_url_custom").value == "http://127.0.0.1:9/v1"
    assert fresh.slider(key="temperature_True").value == (0.2, 0.4)
    assert page(provider="deepseek").selectbox(key="provider").value == "deepseek"
    assert page().selectbox(key="provider").value == "deepseek"


def test_an_opened_page_does_not_make_the_default_teacher_a_choice(workspace: Workspace) -> None:
    at = page()
    assert at.selectbox(key="provider").value and "provider" not in at.query_params
    at.selectbox(key="provider").set_value("deepseek").run()
    assert at.query_params["provider"] == "deepseek"


def test_kept_values_that_fit_no_more_are_left_out(workspace: Workspace):
    strange = {
        "styles": ["没有的"],
        "rounds": 0,
        "limit": "多",
        "threshold": 9,
        "provider": "gone",
        "mistakes": True,
        "budget_tokens": float("inf"),
        "budget_cost": 10**400,
        "model_deepseek": "我家的模型",  # one that the list does not have is a model all the same
    }
    (workspace.home / "drafts").mkdir()
    (workspace.home / "drafts" / "generate.json").write_text(
        json.dumps({"values": strange}), encoding="utf-8"
    )
    at = page()
    assert at.number_input(key="rounds").value == 1 and at.number_input(key="limit").value is None
    assert at.slider(key="mistakes").value == 3 and len(at.button_group(key="styles").value) == 3
    assert page(provider="deepseek").selectbox(key="model_deepseek").value == "我家的模型"


def test_what_is_set_back_follows_the_recipe_and_the_provider_again(workspace: Workspace):
    at = page(provider="custom")
    at.text_input(key="base_url_custom").set_value("http://127.0.0.1:9/v1").run()
    at.segmented_control(key="threshold").set_value(2).run()
    at.segmented_control(key="threshold").set_value(1).run()
    current = recipes.current(workspace.engine, "wishes")
    recipes.save(workspace.engine, current.recipe.model_copy(update={"threshold": 2}), current.revision, "")
    assert page().segmented_control(key="threshold").value == 2
    at.text_input(key="own_url_custom").set_value("http://127.0.0.1:7/v1").run()
    at.button(key="save_provider").click().run()
    assert at.text_input(key="base_url_custom").value == "http://127.0.0.1:7/v1"
    assert page(provider="custom").text_input(key="base_url_custom").value == "http://127.0.0.1:7/v1"


@pytest.mark.sqlite
def test_a_run_with_rows_that_no_sum_can_hold_is_drawn_all_the_same(workspace: Workspace, api: LoopbackApi):
    at = lab_page(workspace, api)
    at.button(key="start_run").click()
    at.run()
    finish(workspace, 1)
    with writing(workspace.engine) as connection:
        connection.execute(text("UPDATE samples SET prompt_tokens = 9223372036854775807, latency = 1e308"))
    at = page(run="1")
    assert metrics(at)["写好"] == "4" and errors(at) == ""
    assert len(at.table) >= 1  # the newest texts, below the figures


def test_testing_a_connection_needs_no_model_and_fills_the_field(workspace: Workspace, api: LoopbackApi):
    at = page(provider="vllm")
    at.text_input(key="base_url_vllm").set_value(api.url).run()
    assert at.selectbox(key="model_vllm").value is None
    at.button(key="test_connection").click().run()
    assert not at.exception and not errors(at)
    assert any("连接正常" in s.value for s in at.success)
    assert at.selectbox(key="model_vllm").value == "loopback-model"
    assert at.selectbox(key="model_vllm").options == ["loopback-model", "other-model"]
    assert page(provider="vllm").selectbox(key="model_vllm").value == "loopback-model"


def test_a_test_without_the_chosen_model_offers_those_that_are_there(workspace: Workspace, api: LoopbackApi):
    api.default = fails(404, "model not found, try pulling it first")
    at = page(provider="ollama")
    at.text_input(key="base_url_ollama").set_value(api.url).run()
    usual = at.selectbox(key="model_ollama").value
    at.button(key="test_connection").click().run()
    assert not at.exception and f"没有模型“{usual}”，有的是：loopback-model" in errors(at)
    at.selectbox(key="model_ollama").set_value("loopback-model").run()
    at.button(key="test_connection").click().run()
    assert not errors(at) and any("连接正常" in s.value for s in at.success)


def test_the_number_of_examples_is_part_of_a_run(workspace: Workspace, api: LoopbackApi):
    at = lab_page(workspace, api)
    at.number_input(key="examples").set_value(3).run()
    at.number_input(key="limit").set_value(2).run()
    at.button(key="start_run").click().run()
    assert not at.exception and not errors(at)
    finish(workspace, 1)
    assert rows.get(workspace.engine, 1).options["examples"] == 3
    assert all("\n- " in prompt for prompt in api.prompts())


def test_enabled_conditions_multiply_the_plan_and_are_drawn_by_weight(workspace: Workspace) -> None:
    shipped = recipes.current(workspace.engine, "wishes").recipe
    axes = [axis.model_copy(update={"enabled": axis.id == "length"}) for axis in shipped.axes]
    recipes.save(workspace.engine, shipped.changed(axes=axes), 0, "长度")
    at = page()
    every = int(metrics(at)["任务"].replace(",", ""))
    options = next(group for group in at.button_group if group.label == "长度")
    options.set_value(["short"]).run()
    assert int(metrics(at)["任务"].replace(",", "")) * 3 == every
    next(group for group in at.button_group if group.label == "长度").set_value(["short", "long"]).run()
    at.number_input(key="limit").set_value(40).run()
    at.toggle(key="weighted").set_value(True).run()
    at.button(key="start_run").click().run()
    assert not at.exception
    run = rows.listed(workspace.engine, "wishes")[0]
    assert run.plan.weighted and set(run.plan.options) == {("length", "short"), ("length", "long")}
    finish(workspace, run.id)
    counts = samples.option_counts(workspace.engine, SampleFilter("wishes"))
    assert counts == {"length": {"short": 20, "long": 20}}


def test_conditions_that_exclude_each_other_are_why_a_plan_has_nothing(workspace: Workspace) -> None:
    shipped = recipes.current(workspace.engine, "wishes").recipe
    axes = [
        {"id": "a", "title": "甲", "enabled": True, "options": [{"id": "x", "title": "短", "max_chars": 20}]},
        {"id": "b", "title": "乙", "enabled": True, "options": [{"id": "y", "title": "长", "min_chars": 90}]},
    ]
    recipes.save(workspace.engine, changed(shipped, axes=axes), 0, "条件")
    at = page()
    assert not at.exception and at.button(key="start_run").disabled
    assert "处处互相排斥" in " ".join(w.value for w in at.warning)


def test_earlier_answers_are_counted_before_the_start_and_forgotten_in_the_settings(
    workspace: Workspace, api: LoopbackApi
):
    api.default = says("愿您福如东海，寿比南山")
    at = lab_page(workspace, api)
    assert not at.toggle(key="reuse").value
    at.button(key="start_run").click().run()
    run = max(each.id for each in rows.listed(workspace.engine))
    finish(workspace, run)
    at = lab_page(workspace, api)
    at.toggle(key="reuse").set_value(True).run()
    assert "4 条有上次的回答，只问 0 条" in " ".join(each.value for each in at.caption)
    assert metrics(at)["tokens（估）"] == "0 k" and metrics(at)["用时（估）"] == "1 秒"
    at.number_input(key="limit").set_value(6)
    at.run()
    said = next(each.value for each in at.caption if "有上次的回答" in each.value)
    known = int(said.split(" ")[0])
    assert said == f"{known} 条有上次的回答，只问 {6 - known} 条"
    at = at.switch_page("pages/settings/page.py").run()
    at.button(key="forget_answers").click().run()
    assert not workspace.answers.exists()
    assert not [each for each in at.button if each.key == "forget_answers"]


def test_a_page_knows_the_answers_that_the_verb_got(
    workspace: Workspace, api: LoopbackApi, monkeypatch: pytest.MonkeyPatch
):
    api.default = says("愿您福如东海，寿比南山")
    at = lab_page(workspace, api)
    styles = ",".join(at.session_state["styles"])
    words = ["generate", "--provider", "lab", "--styles", styles, "--limit", "4", "--json"]
    monkeypatch.setattr("sys.argv", ["tianji_core", *words])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert not ended.value.code and len(api.requests) == 4
    at.toggle(key="reuse").set_value(True).run()
    assert "4 条有上次的回答，只问 0 条" in " ".join(each.value for each in at.caption)
    monkeypatch.setattr("sys.argv", ["tianji_core", *words, "--server-sampling"])
    with pytest.raises(SystemExit):
        cli.main()
    assert not {"temperature", "top_p", "max_tokens"} & api.requests[-1].keys()
