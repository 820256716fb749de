"""The workflows of continuous integration fit GitHub's schema, in the form that check-jsonschema ships."""

import json
from importlib.resources import files
from pathlib import Path

from jsonschema import Draft7Validator
from ruamel.yaml import YAML

WORKFLOWS = sorted((Path(__file__).resolve().parents[1] / ".github" / "workflows").glob("*.yml"))
SCHEMA = files("check_jsonschema") / "builtin_schemas" / "vendor" / "github-workflows.json"


def faults(text: str) -> list[str]:
    """What the schema refuses in a workflow. YAML 1.2, where ``on`` is a word."""
    known = Draft7Validator(json.loads(SCHEMA.read_text(encoding="utf-8")))
    return [error.message for error in known.iter_errors(YAML(typ="safe").load(text))]


def test_every_workflow_fits_the_schema() -> None:
    assert len(WORKFLOWS) >= 2
    assert {path.name: faults(path.read_text(encoding="utf-8")) for path in WORKFLOWS} == {
        path.name: [] for path in WORKFLOWS
    }


def test_a_workflow_with_an_unknown_key_is_found() -> None:
    text = next(path for path in WORKFLOWS if path.name == "check.yml").read_text(encoding="utf-8")
    assert faults(text) == [] and faults(text.replace("timeout-minutes", "time-minutes", 1))
