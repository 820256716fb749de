"""Code in a model's folder runs only where a person allowed it for that folder."""

import ast

import pytest

from tests.remote_code import write_own_code_base
from tests.tiny_base import add_version, write_tiny_base
from tianji_core import models, training
from tianji_core.errors import ModelError
from tianji_core.evaluation import Checker, evaluate_folder, held_out_cases
from tianji_core.files import write_json
from tianji_core.model_folders.remote_code import brings_code
from tianji_core.model_folders.trust import code_allowed, runs_code
from tianji_core.models.nano import nano_base
from tianji_core.recipe import built_in_recipes, load_recipe
from tianji_core.serving import ModelRef, start_server
from tianji_core.training.engine import CONFIG_NAME
from tianji_core.training.xtuner_engine.source import constants

KEY = "nano-cpu-qlora"


@pytest.fixture
def own(tmp_path):
    return write_own_code_base(tmp_path / "own", tmp_path / "trace")


def config_value(workspace, base):
    settings = training.default_settings(KEY).model_copy(update={"base": str(base)})
    run = training.prepare_training(workspace, KEY, settings, add_version(workspace, base.name))
    text = (training.work_folder(workspace, run) / CONFIG_NAME).read_text(encoding="utf-8")
    return ast.literal_eval(constants(text)["trust_remote_code"])


def test_a_model_without_code_needs_no_permission_and_gets_none(workspace, tmp_path):
    plain = models.register_folder(workspace, write_tiny_base(tmp_path / "plain"), trust_remote_code=True)
    for folder in (nano_base(), plain.path):
        assert not brings_code(folder) and runs_code(workspace, folder) is False
    assert config_value(workspace, plain.path) is False


def test_everything_that_loads_a_model_refuses_code_that_nobody_allowed(workspace, own, tmp_path):
    models.register_folder(workspace, own)
    settings = training.default_settings(KEY).model_copy(update={"base": str(own)})
    checked = training.preflight(workspace, training.preset(KEY), settings, add_version(workspace))
    assert [c.detail for c in checked.stops if "--trust-remote-code" in c.detail]
    recipe = load_recipe(built_in_recipes()["wishes"])
    for load in (
        lambda: runs_code(workspace, own),
        lambda: models.try_answer(workspace, own, ""),
        lambda: start_server(workspace, [ModelRef("own", str(own))]),
        lambda: evaluate_folder(own, None, held_out_cases(recipe, limit=1), Checker(recipe)),
    ):
        with pytest.raises(ModelError, match=r"--register .* --trust-remote-code"):
            load()
    assert not (tmp_path / "trace").exists()


def test_a_permission_is_for_one_folder_and_is_written_into_the_config(workspace, own, tmp_path):
    other = write_own_code_base(tmp_path / "other", tmp_path / "trace")
    found = models.register_folder(workspace, own, trust_remote_code=True)
    assert found.trust_remote_code and not models.asks_for_code(found)
    assert runs_code(workspace, own) and config_value(workspace, own) is True
    with pytest.raises(ModelError):
        runs_code(workspace, other)


def test_a_listed_model_can_be_allowed_later(workspace, own):
    assert models.asks_for_code(models.register_folder(workspace, own))
    again = models.register_folder(workspace, own, trust_remote_code=True)
    assert again.trust_remote_code and [m.name for m in models.artefacts(workspace) if m.removable] == ["own"]


def test_a_folder_cannot_allow_itself(workspace, own):
    write_json(own / "tianji.json", {"trust_remote_code": True})
    models.register_folder(workspace, own)
    assert not code_allowed(workspace, own)


def test_an_allowed_model_answers(workspace, own, tmp_path):
    models.try_answer(workspace, own, "", allowed=True)
    assert (tmp_path / "trace").read_text() == "executed"


def test_code_that_changed_since_it_was_allowed_is_refused_until_it_is_allowed_again(workspace, own):
    models.register_folder(workspace, own, trust_remote_code=True)
    with (own / "modeling_own.py").open("a", encoding="utf-8") as file:
        file.write("\n# another line\n")
    assert not code_allowed(workspace, own) and models.asks_for_code(models.artefact(workspace, "own"))
    with pytest.raises(ModelError, match="允许"):
        runs_code(workspace, own)
    models.allow_code(workspace, "own")
    assert runs_code(workspace, own) and not models.asks_for_code(models.artefact(workspace, "own"))
