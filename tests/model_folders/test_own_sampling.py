"""What a model's folder says of drawing answers, and where the studio uses it."""

import json

import pytest

from tianji_core.model_folders.own_sampling import USUAL_TOP_P, OwnSampling, own_sampling, usual_top_p
from tianji_core.models.nano import FOLDER
from tianji_core.serving.choosing import top_p_of


def test_the_embedded_model_says_how_it_is_drawn():
    assert own_sampling(FOLDER) == OwnSampling(temperature=0.7, top_p=0.7)


@pytest.mark.parametrize(
    ("said", "own"),
    [
        ({"temperature": 0.6, "top_p": 0.95, "top_k": 20}, OwnSampling(0.6, 0.95)),
        ({"temperature": 1, "eos_token_id": [2]}, OwnSampling(1.0, None)),
        ({"top_p": 1.0, "temperature": 0}, OwnSampling(None, 1.0)),
        ({"top_p": "0.8", "temperature": True}, OwnSampling()),
        ({"top_p": 1.5, "temperature": -1}, OwnSampling()),
        ({"top_p": float("nan"), "temperature": 1e300}, OwnSampling()),
        ([], OwnSampling()),
    ],
)
def test_only_numbers_that_answers_can_be_drawn_with_count(tmp_path, said, own):
    (tmp_path / "generation_config.json").write_text(json.dumps(said), encoding="utf-8")
    assert own_sampling(tmp_path) == own
    assert usual_top_p(tmp_path) == (own.top_p or USUAL_TOP_P)


def test_models_that_are_compared_are_asked_with_one_top_p(workspace, tmp_path):
    assert top_p_of(workspace, ["nano-base"]) == 0.7
    assert top_p_of(workspace, ["gpt-of-another-service"]) == top_p_of(workspace, []) == USUAL_TOP_P
    assert top_p_of(workspace, [f"mine={tmp_path}", "nano-base"]) == 0.7
    assert top_p_of(workspace, [str(tmp_path)]) == USUAL_TOP_P
