"""An evaluation of a real folder: held-out prompts only, one table, faults as one line."""

import json

import pytest

from tianji_core.errors import ModelError, PlanError
from tianji_core.evaluation import Checker, evaluate_folder, held_out_cases, training_pairs
from tianji_core.evaluation.run import main
from tianji_core.models.nano import held_out, nano_base
from tianji_core.recipe import built_in_recipes, load_recipe

RECIPE = load_recipe(built_in_recipes()["wishes"])


def test_cases_are_held_out_cells_in_the_words_of_a_training_input():
    cases = held_out_cases(RECIPE, ("小红书", "正常", "严肃"))
    assert len(cases) >= 300
    assert all(held_out(each.name.text, each.scene.text) for each in cases)
    assert all(each.request.endswith(each.style.suffix) for each in cases)
    assert cases == held_out_cases(RECIPE, ("小红书", "正常", "严肃"))
    assert held_out_cases(RECIPE, ("小红书", "正常", "严肃"), limit=7) == cases[:7]


def test_a_recipe_without_held_out_cells_says_so():
    small = RECIPE.changed(names=(RECIPE.name("母亲"),), scenes=(RECIPE.scene("春节"),))
    assert not held_out("母亲", "春节")
    with pytest.raises(PlanError, match="留作评测"):
        held_out_cases(small)


def test_the_base_is_judged_and_has_much_to_learn(capsys):
    argv = ["--model", str(nano_base()), "--styles", "小红书", "严肃", "--limit", "24"]
    assert main([*argv, "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["overall"]["count"] == len(report["answers"]) == 24
    assert report["overall"]["passed"] <= 0.3
    assert {row["title"] for row in report["styles"]} == {"小红书", "严肃"}


def test_a_folder_that_is_no_model_is_one_line(tmp_path, capsys):
    assert main(["--model", str(tmp_path / "none"), "--limit", "1"]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    (tmp_path / "config.json").write_text("{}", encoding="utf-8")
    with pytest.raises(ModelError, match="不能作答"):
        evaluate_folder(tmp_path, None, held_out_cases(RECIPE, limit=1), Checker(RECIPE))


def test_answers_are_told_as_they_come(monkeypatch):
    monkeypatch.setattr("tianji_core.evaluation.evaluate.BATCH", 2)
    told: list[tuple[int, int]] = []
    report = evaluate_folder(
        nano_base(),
        None,
        held_out_cases(RECIPE, limit=3),
        Checker(RECIPE),
        on_answers=lambda *n: told.append(n),
    )
    assert told == [(2, 3), (3, 3)] and len(report.judged) == 3


def test_an_unknown_style_is_refused(capsys):
    assert main(["--model", str(nano_base()), "--styles", "没有"]) == 2
    assert "没有" in capsys.readouterr().err


def test_training_outputs_are_read_with_the_name_they_are_for(tmp_path):
    file = tmp_path / "train.json"
    turns = [{"system": "", "input": "x", "output": "祝邻居赵大妈生日快乐。"}]
    file.write_text(json.dumps([{"conversation": turns}]), encoding="utf-8")
    assert training_pairs(RECIPE, file) == [("邻居赵大妈", "祝邻居赵大妈生日快乐。")]


def test_an_evaluation_asks_in_the_very_tokens_of_the_training_template():
    from transformers import AutoTokenizer

    from tianji_core.model_folders.answering import _prompt
    from tianji_core.models.nano.template import prompt

    tokenizer = AutoTokenizer.from_pretrained(str(nano_base()))
    request = {"system": RECIPE.prompts.system, "request": "祝妹妹生日,小红书风格"}
    trained = tokenizer(prompt(request["request"], request["system"]), add_special_tokens=False)["input_ids"]
    assert _prompt(tokenizer, "internlm2_chat", request) == _prompt(tokenizer, "", request) == trained
