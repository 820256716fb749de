"""The train page: an inviting start, checks before the button, and the running training."""

import json

import pytest
from streamlit.testing.v1 import AppTest

from pages.train.experiment_view import parallel_figure
from tests.checkpoints import add_training
from tests.conftest import ROOT
from tests.families.tokenizers import CHATML
from tests.pages.opening import opened
from tests.preference_versions import add_merged, add_pairs
from tests.processes import until
from tests.tiny_base import add_version, write_tiny_base
from tests.work_folders import write_checkpoint, write_sitting
from tianji_core import jobs, notices, training
from tianji_core.evaluation import QuestionOutcome
from tianji_core.evaluation.expectation import Expectation, keep_expectation
from tianji_core.evaluation.experiment import ExperimentPlan, PlannedTraining, load_experiment
from tianji_core.evaluation.experiment.results import Experiment, save_experiment
from tianji_core.evaluation.learning_curve import Expected
from tianji_core.evaluation.probe import ProbeAnswer, ProbePoint
from tianji_core.evaluation.sweep import Sweep, SweepPlan, SweepPoint, load_sweep
from tianji_core.evaluation.sweep.results import save_sweep
from tianji_core.models import register_folder
from tianji_core.store import jobs as job_rows
from tianji_core.store import recipes, samples
from tianji_core.store import training as rows
from tianji_core.store.samples import NewSample
from tianji_core.training.lock import working

KEY = "nano-cpu-qlora"


@pytest.fixture
def app(workspace):
    import streamlit as st

    st.cache_resource.clear()
    return AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).run()


def open_train(app, **query):
    app.switch_page("pages/train/page.py")
    for name, value in query.items():
        app.query_params[name] = value
    app.run()
    assert not app.exception
    return app


def texts(app):
    kinds = (app.info, app.error, app.warning, app.success, app.markdown, app.caption)
    return "\n".join(element.value for kind in kinds for element in kind)


@pytest.fixture
def tiny(workspace, tmp_path):
    register_folder(workspace, write_tiny_base(tmp_path / "base"))
    return tmp_path / "base"


def test_without_a_dataset_the_page_says_the_next_step(app):
    assert "冻结" in texts(open_train(app))


def test_changed_settings_are_marked_and_can_be_reset(workspace, tiny, app):
    add_version(workspace)
    open_train(app)
    assert "默认值" in texts(app)
    fitted = [said.value for said in app.caption if "步，" in said.value]
    assert fitted and not any("步，" in said.value for said in app.warning)  # set right already: no warning
    app.number_input(key=f"train_{KEY}_epochs").set_value(3).run()
    assert "1 → 3" in texts(app)
    app.button(key="train_defaults").click().run()
    assert app.number_input(key=f"train_{KEY}_epochs").value == 1


def test_a_preset_for_pairs_asks_for_a_version_of_them(workspace, app, tmp_path):
    folder = add_merged(workspace, write_tiny_base(tmp_path / "nano-base"))
    open_train(app)
    app.selectbox(key="train_preset").set_value("nano-cpu-orpo").run()
    assert "还没有偏好对版本" in texts(app) and app.button(key="train_start").disabled
    made = add_pairs(workspace)
    open_train(app)
    chosen = app.selectbox(key="train_pairs")
    assert chosen.value == made.name and f"{made.manifest['train']['count']} 对" in chosen.options[0]
    assert app.selectbox(key="train_nano-cpu-orpo_base").value == str(folder)
    assert "train_dataset" not in [box.key for box in app.selectbox]
    assert not app.button(key="train_start").disabled, texts(app)


def test_a_training_on_pairs_shows_how_much_it_passes_and_why_it_ended(workspace, app, tmp_path):
    run = add_training(workspace, tmp_path / "base", {})
    logged = [
        {"lr": 0.1, "loss": 0.7, "time": 1, "iter": 2, "step": 2, "reward_margin": 0.1, "reward_acc": 0.5},
        {"lr": 0.1, "loss": 0.6, "time": 1, "iter": 4, "step": 4, "reward_margin": 0.3, "chosen_loss": 0.2},
        {"lr": 0.1, "loss": 0.5, "time": 1, "iter": 6, "step": 6, "reward_margin": 0.3, "kl": 0.05},
        {"lr": 0.1, "loss": 0.4, "time": 1, "iter": 8, "step": 8, "reward_margin": 0.3, "kl_per_answer": 1.5},
        {"pass_rate": 0.9, "step": 0},
        {"pass_rate": 0.8, "kept_step": 0, "step": 4},
    ]
    figures = training.work_folder(workspace, run) / "20260101_000000" / "vis_data" / "scalars.json"
    figures.parent.mkdir(parents=True)
    figures.write_text("".join(json.dumps(line) + "\n" for line in logged), encoding="utf-8")
    open_train(app, run=str(run.id))
    assert "通过率从 90% 降到 80%，第 4 步提前结束；留下的是第 0 步的权重" in texts(app)
    state = training.training_state(workspace, run)
    assert [point.margin for point in state.points] == [0.1, 0.3, 0.3, 0.3]
    assert [point.kl_per_token for point in state.points] == [None, None, 0.05, None]
    assert [point.kl for point in state.points] == [None, None, None, 1.5]
    assert (state.points[0].accuracy, state.points[1].chosen_loss) == (0.5, 0.2)


def test_the_template_follows_the_base_unless_a_person_has_chosen_one(workspace, tiny, app, tmp_path):
    base = write_tiny_base(tmp_path / "unknown")
    config = json.loads((base / "tokenizer_config.json").read_text(encoding="utf-8"))
    (base / "tokenizer_config.json").write_text(json.dumps({**config, "chat_template": CHATML}))
    register_folder(workspace, base)
    add_version(workspace)
    open_train(app)
    template, chosen = f"train_{KEY}_template", f"train_{KEY}_base"
    assert app.selectbox(key=template).value == "internlm2_chat"
    app.selectbox(key=chosen).set_value(str(base)).run()
    assert app.selectbox(key=template).value == "tokenizer"
    assert "分词器自带的模板，训练和对话写成一样" in texts(app)
    app.selectbox(key=template).set_value("qwen_chat").run()
    assert "请改成 tokenizer" in texts(app)
    app.selectbox(key=chosen).set_value(str(tiny)).run()
    assert app.selectbox(key=template).value == "qwen_chat"
    app.button(key="train_defaults").click().run()
    assert app.selectbox(key=template).value == "internlm2_chat"


def test_the_large_preset_cannot_start_without_a_gpu(workspace, tiny, app, monkeypatch):
    monkeypatch.setenv("PATH", "/nonexistent")
    add_version(workspace)
    open_train(app)
    app.selectbox(key="train_preset").set_value("internlm2-chat-7b-qlora").run()
    assert app.button(key="train_start").disabled
    assert "显卡" in texts(app) and "不存在" in texts(app)


@pytest.mark.training
@pytest.mark.timeout(300)
def test_a_preset_of_a_card_is_tried_on_the_cpu_and_the_page_says_how_it_went(workspace, tmp_path, app):
    base = write_tiny_base(tmp_path / "Qwen2.5 一点五B", model_type="qwen2")
    register_folder(workspace, base, name="tiny-qwen")
    add_version(workspace)
    open_train(app)
    assert not [button for button in app.button if button.key == "train_cpu_trial"]
    app.selectbox(key="train_preset").set_value("qwen2-5-1-5b-instruct-qlora").run()
    app.selectbox(key="train_qwen2-5-1-5b-instruct-qlora_base").set_value(str(base)).run()
    assert "纳米模型" in texts(app)
    app.button(key="train_cpu_trial").click().run()
    job = training.cpu_trial_job(workspace)
    assert job is not None and not app.exception
    ended = jobs.wait(workspace, job.id, 240)
    assert ended.state == "succeeded", jobs.log_tail(workspace, job.id)[-2000:]
    app.run()
    assert "没有留下模型" in texts(app) and app.button(key="train_cpu_trial")


def test_a_bad_value_is_one_sentence(workspace, tiny, app):
    add_version(workspace)
    open_train(app)
    app.number_input(key=f"train_{KEY}_max_length").set_value(3).run()
    assert not app.exception and "序列长度" in app.error[0].value


def test_the_written_config_is_shown(workspace, tiny, app):
    add_version(workspace)
    open_train(app)
    app.number_input(key=f"train_{KEY}_learning_rate").set_value(0.001).run()
    assert any("lr = 0.001" in block.value for block in app.code)


def test_an_unknown_training_is_one_sentence(app):
    assert "没有编号为 99" in texts(open_train(app, run="99"))


def test_a_stored_training_opens_from_its_address(workspace, tiny, app):
    settings = training.default_settings(KEY).model_copy(update={"base": str(tiny)})
    target = training.checked_target("cpu", {"nodes": 2, "address": "10.0.0.1"})
    version = add_version(workspace)
    run = training.prepare_training(workspace, KEY, settings, version, "试训一号", target)
    open_train(app, run=str(run.id))
    assert app.subheader[0].value == "试训一号" and "没有启动" in texts(app)
    assert [f"--node_rank={n}" in block.value for n, block in enumerate(app.code[1:3])] == [True, True]
    assert any(block.value.startswith("#!/bin/bash") for block in app.code)
    assert "要么点上面的按钮" in texts(app) and "由工坊启动；其他" not in texts(app)
    app.button(key="train_new").click().run()
    assert "试训一号" in texts(app)


def test_a_training_run_by_hand_is_shown_as_its_files_tell(workspace, tiny, app):
    settings = training.default_settings(KEY).model_copy(update={"base": str(tiny)})
    run = training.prepare_training(workspace, KEY, settings, add_version(workspace), "手动的")
    folder = training.work_folder(workspace, run)
    write_sitting(folder, "20250101_000000", [])  # it has begun and loads its model
    open_train(app, run=str(run.id))
    assert "在工坊外训练" in texts(app) and "没有启动" not in texts(app)
    write_sitting(folder, "20260101_000000", [(5, 2.0)])
    open_train(app, run=str(run.id))
    assert "在工坊外训练" in texts(app) and "没有启动" not in texts(app)
    write_sitting(folder, "20260101_010000", [(10, 1.0)])
    write_checkpoint(folder / "iter_10.pth")
    open_train(app, run=str(run.id))
    assert "已完成" in texts(app)
    assert app.button(key="train_open").label == "转换、合并并开始对话"
    assert app.button(key="train_open").proto.type == "primary"
    assert "没有负载记录" in texts(app) and "几秒后开始" not in texts(app)
    assert next(each.value for each in app.metric if each.label == "用时") == "0:05"
    write_sitting(folder, "20260101_020000", [(9, 1.0), (10, float("nan"))])
    open_train(app, run=str(run.id))
    assert "训练没有成功" in texts(app) and "NaN" in texts(app)


def test_a_branch_that_never_started_is_not_taken_for_one_run_by_hand(workspace, tiny):
    settings = training.default_settings(KEY).model_copy(update={"base": str(tiny)})
    version = add_version(workspace)
    source = training.prepare_training(workspace, KEY, settings, version, "先前的")
    write_sitting(training.work_folder(workspace, source), "20260101_000000", [(5, 2.0)])
    branch = training.prepare_training(workspace, KEY, settings, version, "分出来的")
    origin = {"run": source.id, "iteration": 5, "mode": "resume", "checkpoint": "x"}
    branch = rows.change(workspace.engine, branch.id, settings={**branch.settings, "origin": origin})
    state = training.training_state(workspace, branch)
    assert (state.state, len(state.points)) == ("missing", 1)


def test_what_a_person_typed_is_shown_as_it_is(workspace, tiny, app):
    settings = training.default_settings(KEY).model_copy(update={"base": str(tiny)})
    version = add_version(workspace)
    runs = [
        training.prepare_training(workspace, KEY, settings, version, title) for title in ("第_1-*次", "二")
    ]
    write_sitting(training.work_folder(workspace, runs[0]), "20260101_000000", [(5, 2.0)])
    write_sitting(training.work_folder(workspace, runs[1]), "20260101_000000", [(5, 2.0)])
    open_train(app, run=str(runs[1].id), **{"with": str(runs[0].id)})
    overlay = app.multiselect(key=f"train_overlay_{runs[1].id}")
    assert overlay.value == [runs[0].id] and overlay.options == [f"{runs[0].id} · 第_1-*次"]
    open_train(app, run="")
    app.text_area(key=f"train_{KEY}_eval_prompts").set_value("**粗**").run()
    assert r"\*\*粗\*\*" in texts(app)


def test_a_link_fills_the_form_with_what_another_training_had(workspace, tiny, app):
    version = add_version(workspace)
    add_version(workspace, "v2")
    changed = {
        "base": str(tiny),
        "epochs": 3,
        "learning_rate": 0.0007,
        "eval_prompts": ["祝妹妹生日", "祝大舅"],
    }
    settings = training.default_settings(KEY).model_copy(update=changed)
    target = training.checked_target("cpu", {"processes": 2})
    run = training.prepare_training(workspace, KEY, settings, version, target=target)
    open_train(app, clone=str(run.id))
    assert app.number_input(key=f"train_{KEY}_epochs").value == 3
    assert app.number_input(key=f"train_{KEY}_learning_rate").value == 0.0007
    assert app.text_area(key=f"train_{KEY}_eval_prompts").value == "祝妹妹生日\n祝大舅"
    assert app.selectbox(key=f"train_{KEY}_base").value == str(tiny)
    assert app.selectbox(key="train_dataset").value == version.id
    assert app.number_input(key="train_target_processes").value == 2
    app.number_input(key=f"train_{KEY}_epochs").set_value(5).run()
    assert app.number_input(key=f"train_{KEY}_epochs").value == 5


def test_other_versions_are_mixed_in_by_share_and_a_copy_brings_them(workspace, tiny, app):
    version = add_version(workspace)
    add_version(workspace, "闲聊", 30)
    settings = training.default_settings(KEY).model_copy(update={"base": str(tiny)})
    open_train(app)
    app.selectbox(key="train_dataset").set_value(version.id)
    app.multiselect(key="train_mix").set_value(["闲聊"]).run()
    app.number_input(key="train_mix_share_闲聊").set_value(25).run()
    assert "一共 80 条：v1 60 条（75%）、闲聊 20 条（25%）" in texts(app)
    assert reloaded().number_input(key="train_mix_share_闲聊").value == 25

    settings = settings.model_copy(update={"mix": (training.read_part("闲聊:all"),)})
    run = training.prepare_training(workspace, KEY, settings, version)
    assert "闲聊 30 条（33%，token " in texts(open_train(app, run=str(run.id)))
    del app.query_params["run"]
    open_train(app, clone=str(run.id))
    assert app.multiselect(key="train_mix").value == ["闲聊"]
    assert app.number_input(key="train_mix_share_闲聊").value == 0


def test_a_waiting_training_says_so_and_can_leave_the_line(workspace, tiny, app):
    settings = training.default_settings(KEY).model_copy(update={"base": str(tiny)})
    with working(workspace):
        run = training.start_training(workspace, KEY, settings, add_version(workspace), "等着的")
        until(lambda: training.training_state(workspace, run).state == "waiting")
        open_train(app, run=str(run.id))
        assert "排队中：下一个就是它" in texts(app)
        app.button(key=f"line_cancel_{run.id}").click().run()
        assert jobs.wait(workspace, run.job_id, 60).state == "stopped"
    app.run()
    assert not app.exception and "在开始之前被停止了" in texts(app)
    assert app.button(key="train_resume").label == "开始训练"


def test_the_step_after_training_waits_for_a_training_that_has_ended(workspace, tiny):
    settings = training.default_settings(KEY).model_copy(update={"base": str(tiny)})
    samples.add(workspace.engine, NewSample("wishes", "", "祝姐姐生日", "姐姐生日快乐！", state="accepted"))
    run = training.prepare_training(workspace, KEY, settings, add_version(workspace))
    job = job_rows.add(workspace.engine, "train", "试训", [], {}, {"training_run_id": run.id})
    rows.change(workspace.engine, run.id, job_id=job.id)
    write_checkpoint(training.work_folder(workspace, run) / "iter_20.pth")
    assert opened("jobs").button(key="next_step").label == "下一步：训练"
    job_rows.change(workspace.engine, job.id, state="stopped")
    assert opened("jobs").button(key="next_step").label == "下一步：模型"


def test_the_log_is_searched(workspace, tiny, app):
    settings = training.default_settings(KEY).model_copy(update={"base": str(tiny)})
    run = training.prepare_training(workspace, KEY, settings, add_version(workspace), "试训")
    folder = training.work_folder(workspace, run) / "20260101_000000"
    folder.mkdir()
    (folder / f"{folder.name}.log").write_text("一\nLoss: 2.0\n二\nloss: 1.0\n", encoding="utf-8")
    open_train(app, run=str(run.id))
    app.text_input(key="train_log_search").set_value("LOSS").run()
    assert any(block.value == "Loss: 2.0\nloss: 1.0" for block in app.code)


@pytest.mark.training
def test_start_and_stop_from_the_page(workspace, tiny, app):
    add_version(workspace)
    open_train(app)
    app.selectbox(key=f"train_{KEY}_base").set_value(str(tiny)).run()
    app.checkbox(key="train_notify").check().run()
    app.button(key="train_start").click().run()
    assert not app.exception
    run = rows.listed(workspace.engine)[0]
    assert notices.load_afterwards(workspace, run.job_id).notify
    assert str(run.id) in app.query_params["run"]
    app.button(key="train_stop").click().run()
    assert jobs.wait(workspace, run.job_id, 60).state == "stopped"
    app.run()
    assert "停止" in texts(app)


def reloaded():
    """The same page in a tab of its own, as after a refresh."""
    return open_train(AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).run())


def test_what_is_typed_outlives_a_mistake_another_page_another_preset_and_a_refresh(workspace, tiny, app):
    add_version(workspace)
    second = add_version(workspace, "v2")
    open_train(app)
    editor = app.text_area(key=f"train_expert_{KEY}")
    editor.set_value(editor.value.replace("max_norm = 1.0", "max_norm = 0.5")).run()
    app.text_input(key=f"train_expert_title_{KEY}").set_value("我的")
    app.text_area(key=f"train_{KEY}_eval_prompts").set_value("祝大舅")
    app.text_input(key="train_title").set_value("第一次")
    app.number_input(key="train_target_processes").set_value(2)
    app.selectbox(key="train_dataset").set_value(second.id)
    app.number_input(key=f"train_{KEY}_learning_rate").set_value(0.0)
    app.number_input(key=f"train_{KEY}_epochs").set_value(7).run()
    assert "学习率" in app.error[0].value
    assert "max_norm = 0.5" in app.text_area(key=f"train_expert_{KEY}").value

    app.selectbox(key="train_preset").set_value("nano-cpu-lora").run()
    assert app.number_input(key="train_nano-cpu-lora_epochs").value == 1
    app.selectbox(key="train_preset").set_value(KEY).run()
    assert app.number_input(key=f"train_{KEY}_epochs").value == 7
    app.switch_page("pages/chat/page.py").run()
    for again in (open_train(app), reloaded()):
        assert again.selectbox(key="train_preset").value == KEY
        assert again.selectbox(key="train_dataset").value == second.id
        assert again.number_input(key=f"train_{KEY}_epochs").value == 7
        assert again.number_input(key=f"train_{KEY}_learning_rate").value == 0.0
        assert again.text_area(key=f"train_{KEY}_eval_prompts").value == "祝大舅"
        assert "max_norm = 0.5" in again.text_area(key=f"train_expert_{KEY}").value
        assert again.text_input(key=f"train_expert_title_{KEY}").value == "我的"
        assert again.text_input(key="train_title").value == "第一次"
        assert again.number_input(key="train_target_processes").value == 2

    again.button(key="train_defaults").click().run()
    assert not again.error and again.number_input(key=f"train_{KEY}_epochs").value == 1
    assert reloaded().text_area(key=f"train_{KEY}_eval_prompts").value != "祝大舅"


def test_two_tabs_keep_what_each_typed_and_a_newer_version_is_offered(workspace, tiny, app):
    add_version(workspace)
    first, second = open_train(app), reloaded()
    first.number_input(key=f"train_{KEY}_epochs").set_value(7).run()
    second.text_input(key="train_title").set_value("第二页的").run()
    newer = add_version(workspace, "v2")
    third = reloaded()
    assert third.number_input(key=f"train_{KEY}_epochs").value == 7
    assert third.text_input(key="train_title").value == "第二页的"
    assert third.selectbox(key="train_dataset").value == newer.id
    third.number_input(key=f"train_{KEY}_seed").set_value(20261126).run()
    third.text_area(key=f"train_expert_{KEY}").set_value("").run()
    fourth = reloaded()
    assert fourth.number_input(key=f"train_{KEY}_seed").value == 20261126
    assert fourth.text_area(key=f"train_expert_{KEY}").value == ""


def test_a_copy_brings_what_was_trained_though_the_recipe_went_on(workspace, tiny, app):
    version = add_version(workspace)
    open_train(app)  # the form has shown today's system prompt
    system = app.text_area(key=f"train_{KEY}_system").value
    settings = training.default_settings(KEY, workspace, "wishes").model_copy(update={"base": str(tiny)})
    run = training.prepare_training(workspace, KEY, settings, version)
    current = recipes.current(workspace.engine, "wishes")
    prompts = current.recipe.prompts.model_copy(update={"system": "后来的系统提示"})
    recipes.save(
        workspace.engine, current.recipe.model_copy(update={"prompts": prompts}), current.revision, ""
    )
    open_train(app, run=str(run.id))
    app.button(key="train_clone").click().run()
    assert app.text_area(key=f"train_{KEY}_system").value == system
    assert reloaded().text_area(key=f"train_{KEY}_system").value == system


def test_a_draft_that_cannot_be_written_is_one_sentence(workspace, tiny, app):
    add_version(workspace)
    open_train(app)
    (workspace.home / "drafts").write_text("no folder", encoding="utf-8")
    app.number_input(key=f"train_{KEY}_epochs").set_value(3).run()
    assert any("drafts" in each.value for each in app.error)
    app.button(key="train_defaults").click().run()
    assert not app.exception and app.number_input(key=f"train_{KEY}_epochs").value == 1


def test_a_damaged_draft_opens_with_the_defaults(workspace, tiny):
    add_version(workspace)
    path = workspace.home / "drafts" / "training.json"
    path.parent.mkdir()
    strange = {"epochs": "三", "seed": -4, "max_length": 1e300, "profile": "?", "base": str(tiny / "gone")}
    kept = {"presets": {KEY: {"values": strange}}, "preset": KEY, "target": {"nodes": 0, "gpus": [7]}}
    for text in ('{"preset": ', "[1]", json.dumps(kept)):
        path.write_text(text, encoding="utf-8")
        app = reloaded()
        assert app.number_input(key=f"train_{KEY}_epochs").value == 1
    assert app.selectbox(key=f"train_{KEY}_base").value == str(tiny / "gone")
    assert app.button(key="train_start").disabled and "不存在" in texts(app)


def test_an_edited_config_follows_the_form_until_it_is_touched(workspace, tiny, app):
    add_version(workspace)
    open_train(app)
    app.number_input(key=f"train_{KEY}_epochs").set_value(4).run()
    editor = app.text_area(key=f"train_expert_{KEY}")
    assert "max_epochs = 4" in editor.value
    editor.set_value(editor.value + "\n# 我的\n").run()
    app.number_input(key=f"train_{KEY}_epochs").set_value(9).run()
    assert "max_epochs = 4" in app.text_area(key=f"train_expert_{KEY}").value
    assert any("轮数" in each.value and "不一样" in each.value for each in app.warning)
    app.button(key="train_expert_reset").click().run()
    assert "max_epochs = 9" in app.text_area(key=f"train_expert_{KEY}").value
    app.text_area(key=f"train_expert_{KEY}").set_value("#" * 200_001).run()
    assert not app.exception and "200,001" in app.error[0].value
    assert app.button(key="train_expert_check").disabled


def test_trial_prompts_follow_the_recipe_until_they_are_changed(workspace, tiny, app):
    add_version(workspace)
    recipes.copy(workspace.engine, "wishes", "other", "另一个")
    current = recipes.current(workspace.engine, "other")
    prompts = current.recipe.prompts.model_copy(update={"system": "你是另一位作者"})
    recipes.save(
        workspace.engine, current.recipe.model_copy(update={"prompts": prompts}), current.revision, ""
    )
    other = add_version(workspace, "v2", recipe="other")
    open_train(app)
    mine, system = app.selectbox(key="train_dataset").value, f"train_{KEY}_system"
    for chosen in (other.id, mine, other.id):
        app.selectbox(key="train_dataset").set_value(chosen).run()
        assert (app.text_area(key=system).value == "你是另一位作者") == (chosen == other.id)
        assert "全部是预设的默认值" in texts(app)
    app.text_area(key=system).set_value("我自己写的").run()
    app.selectbox(key="train_dataset").set_value(mine).run()
    assert app.text_area(key=system).value == "我自己写的"


def test_a_copy_of_a_training_whose_preset_or_base_is_gone_says_so(workspace, tiny, app):
    version = add_version(workspace)
    settings = training.default_settings(KEY).model_copy(update={"base": str(tiny)})
    run = training.prepare_training(workspace, KEY, settings, version)
    tiny.rename(tiny.with_name("elsewhere"))
    open_train(app, clone=str(run.id))
    assert app.selectbox(key=f"train_{KEY}_base").value == str(tiny)
    assert "不存在" in texts(app) and "clone" not in app.query_params
    rows.change(workspace.engine, run.id, preset="own-gone")
    open_train(app, clone=str(run.id))
    assert "gone 已经不在了" in texts(app)


def test_an_edited_config_shows_its_difference_and_lengths_are_drawn(workspace, tiny, app):
    add_version(workspace)
    open_train(app)
    app.selectbox(key=f"train_{KEY}_base").set_value(str(tiny)).run()
    assert "token" in texts(app) and "验证集" in texts(app)
    editor = app.text_area(key=f"train_expert_{KEY}")
    editor.set_value(editor.value.replace("max_norm = 1.0", "max_norm = 0.5")).run()
    assert not app.exception and any("+max_norm = 0.5" in block.value for block in app.code)
    app.text_area(key=f"train_{KEY}_system").set_value("'''\"); __import__('os') {x}").run()
    assert any("SYSTEM = '\\'\\'\\'\"); __import__" in block.value for block in app.code)


def test_the_end_of_a_training_shows_before_and_after_and_leads_to_the_chat(workspace, app, tmp_path):
    run = add_training(workspace, tmp_path / "base", {10: 0.5})
    job = job_rows.add(workspace.engine, "train", "小训练", [], {}, {"training_run_id": run.id})
    job_rows.change(workspace.engine, job.id, state="succeeded", exit_code=0)
    rows.change(workspace.engine, run.id, job_id=job.id)
    open_train(app, run=str(run.id))
    assert {button.key for button in app.button} >= {"train_open", "train_measure"}
    plan = SweepPlan(run_id=run.id, recipe="wishes", revision=0, limit=50)
    shared = {"count": 50, "copied": None, "perplexity": None, "tokens": 0, "seconds": 1.0}
    for step, passed in ((0, 0.1), (10, 0.9)):
        point = SweepPoint(iteration=step, passed=passed, low=passed - 0.1, high=passed + 0.1, **shared)
        wrong = QuestionOutcome(name="妹妹", scene="生日", style="正常", passed=False)
        point = point.model_copy(update={"outcomes": (wrong,)})
        save_sweep(workspace, (load_sweep(workspace, run.id) or Sweep(plan=plan)).with_point(point))
    at_hand = Expected(60, 0.8, 0.7, 0.95)
    keep_expectation(workspace, run, Expectation(at_hand, None, 2))
    known = tuple(ProbeAnswer(ask=f"问{n}", answer=f"答{n}", right=True) for n in range(8))
    after = (known[0].model_copy(update={"answer": "祝您答零", "right": False}), *known[1:])
    for step, answers in ((0, known), (10, after)):
        probe = ProbePoint(iteration=step, digest="d", answers=answers)
        save_sweep(workspace, load_sweep(workspace, run.id).with_probe(probe))
    app.session_state[f"train_{run.id}_failing"] = True
    open_train(app, run=str(run.id))
    assert "通过率 10% → 90%" in texts(app)
    assert "原来会的 8 题，还会 7 题" in texts(app) and "祝您答零" in texts(app)
    assert "train_measure" not in {button.key for button in app.button}
    assert "实测 90%：在估计的范围里" in texts(app)
    assert "妹妹 ×1" in texts(app) and "8 个任务 · 免费" in texts(app)
    app.button(key=f"train_{run.id}_top_up").click().run()
    (job,) = jobs.listed(workspace, kind="generate")
    assert jobs.wait(workspace, job.id, timeout=60).state == "succeeded"
    learner = add_training(workspace, tmp_path / "again", {10: 0.5}, "补过的")
    job = job_rows.add(workspace.engine, "train", "第二次", [], {}, {"training_run_id": learner.id})
    job_rows.change(workspace.engine, job.id, state="succeeded", exit_code=0)
    rows.change(workspace.engine, learner.id, job_id=job.id)
    right = wrong.model_copy(update={"passed": True})
    better = point.model_copy(update={"outcomes": (right,), "passed": 1.0})
    points = [point.model_copy(update={"iteration": 0, "passed": 0.0}), better]
    save_sweep(workspace, Sweep(plan=plan.model_copy(update={"run_id": learner.id}), points=points))
    open_train(app, run=str(learner.id))
    assert "没答好的 1 题，这次答好 1 题" in texts(app)


def test_a_missing_base_is_downloaded_from_the_form(workspace, app):
    add_version(workspace)
    open_train(app)
    app.selectbox(key="train_preset").set_value("internlm2-chat-7b-qlora").run()
    assert "internlm2" in app.button(key="train_download").label
    assert app.button(key="train_start").disabled


def test_the_share_of_another_version_is_tried_as_an_experiment(workspace, tiny, app):
    own = add_version(workspace)
    add_version(workspace, "闲聊", 30)
    open_train(app, dataset=own.name)
    app.multiselect(key="experiment_mix").set_value(["闲聊"]).run()
    app.text_input(key="experiment_mix_闲聊").set_value("0，20%，all").run()
    app.text_input(key="experiment_lora_r").set_value("4，8").run()
    assert app.button(key="experiment_start").label == "开始实验（6 个训练）"
    app.text_input(key="experiment_mix_闲聊").set_value("0, 120%").run()
    assert any("“闲聊”写的是 120%" in error.value for error in app.error)
    shares = {"mix:闲聊": 0.0}, {"mix:闲聊": 0.2}
    plan = ExperimentPlan(
        preset=KEY, version_id=own.id, settings=training.default_settings(KEY), variants=shares
    )
    rates = {"low": 0.4, "high": 0.6, "count": 60, "state": "done", "seconds": 90, "known": 10}
    trained = tuple(
        PlannedTraining(values=values, passed=0.5, kept=kept, **rates)
        for values, kept in zip(shares, (4, 9), strict=True)
    )
    save_experiment(workspace, Experiment(number=1, plan=plan, trainings=trained))
    open_train(app, experiment="1")
    table = app.dataframe[0].value
    assert table["混入 闲聊"].tolist() == ["不混入", "20%"] and table["原来会的"].tolist() == ["4/10", "9/10"]
    figure = parallel_figure(load_experiment(workspace, 1))
    drawn = {axis.label: axis for axis in figure.data[0].dimensions}
    assert drawn["混入 闲聊"].ticktext == ("不混入", "20%")
    assert list(drawn["原来会的还会（%）"].values) == [40, 90]


@pytest.mark.parametrize("asked", ["experiment", "run"])
def test_a_number_that_there_is_not_leaves_the_new_training_in_sight(workspace, tiny, app, asked):
    add_version(workspace)
    open_train(app, **{asked: "99"})
    assert any("99" in error.value for error in app.error)
    assert app.button(key="train_start").label.startswith("开始")


def test_all_samples_of_an_experiment_are_named_and_come_last(workspace, tiny):
    own = add_version(workspace)
    counts = {"samples": 0}, {"samples": 40}
    plan = ExperimentPlan(
        preset=KEY, version_id=own.id, settings=training.default_settings(KEY), variants=counts
    )
    done = {"passed": 0.5, "low": 0.4, "high": 0.6, "count": 60, "state": "done", "seconds": 90}
    trained = tuple(PlannedTraining(values=values, **done) for values in counts)
    drawn = parallel_figure(Experiment(number=1, plan=plan, trainings=trained)).data[0].dimensions[0]
    assert drawn.ticktext == ("40", "全部") and list(drawn["values"]) == [1, 0]


def test_settings_are_tried_as_an_experiment_and_the_best_is_named(workspace, tiny, app):
    add_version(workspace)
    open_train(app)
    app.text_input(key="experiment_learning_rate").set_value("1e-3, 2e-3").run()
    app.text_input(key="experiment_lora_r").set_value("4，8").run()
    assert app.button(key="experiment_start").label == "开始实验（4 个训练）"
    app.multiselect(key="experiment_samples").set_value(["0", "150"]).run()
    assert app.button(key="experiment_start").label == "开始实验（8 个训练）"
    app.multiselect(key="experiment_samples").set_value([]).run()
    app.text_input(key="experiment_lora_r").set_value("多").run()
    assert any("不是数字" in error.value for error in app.error)
    settings = training.default_settings(KEY)
    trained = tuple(
        PlannedTraining(
            values={"lora_r": rank},
            state="done",
            passed=share,
            low=share - 0.1,
            high=share + 0.1,
            count=60,
            seconds=90,
        )
        for rank, share in ((4, 0.5), (8, 0.9))
    )
    plan = ExperimentPlan(
        preset=KEY, version_id=1, settings=settings, variants=({"lora_r": 4}, {"lora_r": 8})
    )
    save_experiment(workspace, Experiment(number=1, plan=plan, trainings=trained))
    open_train(app, experiment="1")
    assert any("最好的是 LoRA 秩 8" in said.value for said in app.success)
    assert app.dataframe[0].value["通过率"].tolist() == ["50%", "90%"]
