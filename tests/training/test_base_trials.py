"""A base is loaded and computes in a process of its own before anything long starts, and what came out is
told."""

import json
import os
import shutil

import pytest
from safetensors.torch import load_file, save_file

from tests.families.bases import FAMILIES, write_own_code, written
from tests.families.own_templates import MISTRAL, with_template
from tests.tiny_base import add_version
from tianji_core import jobs, models, training
from tianji_core.errors import TrainingError
from tianji_core.i18n import set_language
from tianji_core.model_folders.manifest import fitting_template
from tianji_core.model_folders.template import OWN_TEMPLATE, native_template
from tianji_core.models.nano import FOLDER
from tianji_core.training.base_trials import (
    TrialRequest,
    check_trial,
    kept_trial,
    start_trial,
    try_base,
    try_bases,
)

KEY = "nano-cpu-qlora"
TEMPLATE = "internlm2_chat"


@pytest.fixture(scope="module")
def bases(tmp_path_factory):
    place = tmp_path_factory.mktemp("bases")
    return {family.key: written(family, place) for family in FAMILIES}


@pytest.fixture
def own(tmp_path):
    folder = tmp_path / "internlm2.5-chat"
    folder.mkdir()
    write_own_code(folder)
    return folder


def test_every_family_loads_whole_where_memory_allows_and_else_with_its_first_layer(workspace, bases):
    asked = [
        TrialRequest(folder=str(folder), runs_code=True, template=TEMPLATE, memory=memory)
        for memory in (1e9, 0.0, None)
        for folder in bases.values()
    ]
    trials = try_bases(workspace, asked)
    assert [trial.problem for trial in trials] == [""] * len(asked)
    count = len(bases)
    layers = [trial.layers for trial in trials]
    assert layers == [2] * count + [1] * count + [0] * count
    assert {trial.end_unlearnt for trial in trials} == {False}
    assert trials[0].tokenizer == "WishTokenizerFast" and trials[0].architecture == "wish"


def test_code_that_does_not_run_stops_the_training_before_it_begins_and_until_it_is_mended(workspace, own):
    models.register_folder(workspace, own, trust_remote_code=True)
    settings = training.default_settings(KEY).model_copy(update={"base": str(own)})
    version = add_version(workspace)

    def found():
        checked = training.preflight(workspace, training.preset(KEY), settings, version)
        assert checked.tryable
        return next(check for check in checked.checks if check.title == "试跑基座")

    assert found().level == "warn" and "还没有试跑" in found().detail
    code = own / "modeling_wish.py"
    sound = code.read_text(encoding="utf-8")
    code.write_text(sound.replace("get_max_length", "get_a_name_of_2023"), encoding="utf-8")
    models.allow_code(workspace, "internlm2.5-chat")
    run = training.start_training(workspace, KEY, settings, version)
    job = jobs.wait(workspace, run.job_id, 120)
    assert job.state == "failed" and "get_a_name_of_2023" in job.note and "试跑基座" in job.note
    assert found().level == "stop" and "get_a_name_of_2023" in found().detail
    with pytest.raises(TrainingError, match="get_a_name_of_2023"):
        training.start_training(workspace, KEY, settings, version)

    code.write_text(sound, encoding="utf-8")
    models.allow_code(workspace, "internlm2.5-chat")
    assert found().level == "warn"  # other code: what came out before says nothing about it
    job = jobs.wait(workspace, start_trial(workspace, own, TEMPLATE).id, 120)
    assert job.state == "succeeded", jobs.log_tail(workspace, job.id)
    assert found().level == "pass" and "WishTokenizerFast" in found().detail


def test_a_tokenizer_that_does_not_fit_its_model_is_found(workspace, bases, tmp_path):
    base = tmp_path / "cut"
    base.mkdir()
    source = bases["qwen2.5 tied"]
    for path in source.iterdir():
        (base / path.name).write_bytes(path.read_bytes())
    weights = load_file(base / "model.safetensors")
    weights["model.embed_tokens.weight"] = weights["model.embed_tokens.weight"][:-3].contiguous()
    save_file(weights, base / "model.safetensors", metadata={"format": "pt"})
    config = json.loads((base / "config.json").read_text())
    (base / "config.json").write_text(json.dumps({**config, "vocab_size": config["vocab_size"] - 3}))
    trial = try_base(workspace, base, "qwen_chat", runs_code=False)
    assert trial.step == "answer" and "超出了模型词表" in trial.sentence
    with pytest.raises(TrainingError, match="超出了模型词表"):
        check_trial(workspace, base, "qwen_chat", runs_code=False)


@pytest.mark.parametrize("untrained", ["zeros", "all alike"])
def test_a_base_that_never_learnt_to_end_is_told_of(workspace, bases, tmp_path, untrained):
    base = tmp_path / "base"
    base.mkdir()
    for path in bases["llama-shaped"].iterdir():
        (base / path.name).write_bytes(path.read_bytes())
    weights = load_file(base / "model.safetensors")
    head = weights["lm_head.weight"]
    if untrained == "zeros":
        head[-1] = 0.0
    else:
        head[-6:] = head[-6] + 0.001 * head[-6:]
    save_file(weights, base / "model.safetensors", metadata={"format": "pt"})
    trial = try_base(workspace, base, TEMPLATE, runs_code=False)
    assert trial.problem == "" and trial.end_unlearnt and "<|im_end|>" in trial.endless
    settings = training.default_settings(KEY).model_copy(update={"base": str(base)})
    checked = training.preflight(workspace, training.preset(KEY), settings, add_version(workspace))
    assert [c.level for c in checked.checks if c.title == "结束记号"] == ["warn"] and checked.ok


def test_the_outcome_is_kept_until_a_file_of_the_base_changes(workspace, bases):
    base = bases["bin"]
    assert kept_trial(workspace, base, TEMPLATE) is None
    check_trial(workspace, base, TEMPLATE, runs_code=False)
    kept = kept_trial(workspace, base, TEMPLATE)
    assert kept is not None and kept.problem == ""
    assert kept_trial(workspace, base, "qwen_chat") is None
    os.utime(base / "config.json", (0, 0))
    assert kept_trial(workspace, base, TEMPLATE) is None


@pytest.mark.parametrize("step", ["template", "answer"])
def test_a_fault_is_told_in_the_language_of_the_person(workspace, bases, tmp_path, step):
    base = tmp_path / "base"
    base.mkdir()
    for path in bases["mistral"].iterdir():
        (base / path.name).write_bytes(path.read_bytes())
    if step == "template":
        with_template(base, MISTRAL.replace("content'] + eos_token", "content']"))
    else:
        weights = load_file(base / "model.safetensors")
        weights["model.norm.weight"][:] = float("nan")
        save_file(weights, base / "model.safetensors", metadata={"format": "pt"})
    trial = try_base(workspace, base, OWN_TEMPLATE, runs_code=False)
    assert trial.step == step
    told = (
        {"template": "没有结束记号", "answer": "不是数"}[step],
        {
            "template": "no end marker",
            "answer": "are not numbers",
        }[step],
    )
    assert told[0] in trial.sentence
    set_language("en")
    try:
        assert told[1] in trial.sentence
    finally:
        set_language("zh")


def test_the_tokenizers_own_template_is_proposed_where_no_other_is_known(workspace, bases, tmp_path):
    def found(base):
        changes = {"base": str(base), "template": OWN_TEMPLATE}
        settings = training.default_settings(KEY).model_copy(update=changes)
        checked = training.preflight(workspace, training.preset(KEY), settings, version)
        return next(check for check in checked.checks if check.title == "对话模板")

    version = add_version(workspace)
    assert native_template(bases["mistral"]) == OWN_TEMPLATE
    assert found(bases["mistral"]).level == "pass"
    assert native_template(bases["qwen3"]) == "qwen_chat" and found(bases["qwen3"]).level == "warn"
    base = shutil.copytree(bases["mistral"], tmp_path / "without")
    with_template(base, None)
    assert native_template(base) == "" and found(base).level == "stop"


def test_a_family_that_is_not_known_is_registered_trained_and_checked_with_its_own_template(
    workspace, bases, tmp_path
):
    """A Yi-like base: Llama's architecture, the markers of ChatML, a template of its own."""
    yi = shutil.copytree(bases["llama-shaped"], tmp_path / "Yi-like chat")
    assert models.register_folder(workspace, yi).template == OWN_TEMPLATE
    assert models.register_folder(workspace, bases["mistral"]).template == OWN_TEMPLATE
    assert models.register_folder(workspace, bases["qwen3"]).template == "qwen_chat"

    version = add_version(workspace)

    def found(base, **changes):
        settings = training.default_settings(KEY, workspace, base=str(base)).model_copy(update=changes)
        checked = training.preflight(workspace, training.preset(KEY), settings, version)
        check = next(check for check in checked.checks if check.title == "对话模板")
        return settings.template, check.level, check.detail

    assert found(yi)[:2] == found(bases["mistral"])[:2] == (OWN_TEMPLATE, "pass")
    assert found(bases["qwen3"])[:2] == ("qwen_chat", "pass")
    _name, level, detail = found(yi, template=TEMPLATE)
    assert level == "warn" and f"请改成 {OWN_TEMPLATE}" in detail
    _name, level, detail = found(bases["mistral"], template=TEMPLATE)
    assert level == "stop" and f"请把模板改成 {OWN_TEMPLATE}" in detail


def test_a_qwen_without_qwens_markers_is_trained_with_its_own_template(bases, tmp_path):
    """Such as DeepSeek's distilled Qwen, whose vocabulary has other markers in their places."""
    base = shutil.copytree(bases["mistral"], tmp_path / "distilled")
    config = json.loads((base / "config.json").read_text(encoding="utf-8"))
    (base / "config.json").write_text(json.dumps({**config, "model_type": "qwen2"}), encoding="utf-8")
    assert native_template(base) == OWN_TEMPLATE


def test_the_template_noted_for_a_base_is_no_proof(bases, tmp_path):
    """What an earlier registration noted was a guess where nothing told."""
    yi = shutil.copytree(bases["llama-shaped"], tmp_path / "Yi-like chat")
    (yi / "tianji.json").write_text(json.dumps({"kind": "base", "template": TEMPLATE}), encoding="utf-8")
    assert fitting_template(yi) == OWN_TEMPLATE
    with_template(yi, None)
    assert fitting_template(yi) == ""


def test_a_model_of_the_studio_keeps_the_template_that_it_was_trained_with(bases, tmp_path):
    merged = shutil.copytree(bases["llama-shaped"], tmp_path / "merged")
    (merged / "tianji.json").write_text(json.dumps({"template": TEMPLATE}), encoding="utf-8")
    assert training.default_settings(KEY, base=str(merged)).template == TEMPLATE
    assert fitting_template(FOLDER) == TEMPLATE
