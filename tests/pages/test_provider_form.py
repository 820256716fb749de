"""The further request fields of a model, as they are typed on the page."""

import pytest

from pages.generate.provider_form import _models
from tianji_core.errors import SettingsError


@pytest.mark.parametrize(
    ("typed", "body"),
    [
        ("", {}),
        (None, {}),
        ('{"enable_thinking": false}', {"enable_thinking": False}),
        (
            '{"max_completion_tokens": 64, "temperature": null}',
            {"max_completion_tokens": 64, "temperature": None},
        ),
    ],
)
def test_a_json_object_becomes_request_fields(typed, body):
    assert _models([{"name": "m", "body": typed}])[0]["body"] == body


@pytest.mark.parametrize("typed", ["{", "[1]", "3", "enable_thinking: false"])
def test_anything_else_is_refused_with_the_name_of_the_model(typed):
    with pytest.raises(SettingsError, match="qwen-x"):
        _models([{"name": "qwen-x", "body": typed}])
