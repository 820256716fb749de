"""The workflows of continuous integration fit GitHub's schema, in the form that check-jsonschema ships, run
no action that could change under them, and keep no credential in the checkout."""

import json
import re
from importlib.resources import files
from pathlib import Path
from typing import Any

from jsonschema import Draft7Validator
from ruamel.yaml import YAML

GITHUB = Path(__file__).resolve().parents[1] / ".github"
WORKFLOWS = sorted((GITHUB / "workflows").glob("*.yml"))
SCHEMAS = files("check_jsonschema") / "builtin_schemas" / "vendor"
PINNED = re.compile(r"uses: [\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+(\.\d+)*$")


def faults(text: str, schema: str = "github-workflows") -> list[str]:
    """What the schema refuses in a workflow. YAML 1.2, where ``on`` is a word."""
    known = Draft7Validator(json.loads((SCHEMAS / f"{schema}.json").read_text(encoding="utf-8")))
    return [error.message for error in known.iter_errors(YAML(typ="safe").load(text))]


def loose(text: str) -> list[str]:
    """Where a workflow trusts more than it must: actions named by something other than a commit, a checkout
    that keeps its credential, rights beyond reading, an expression in the text of a shell."""
    workflow: dict[str, Any] = YAML(typ="safe").load(text)
    found = [
        line.strip() for line in text.splitlines() if "uses:" in line and not PINNED.search(line.rstrip())
    ]
    if workflow.get("permissions") != {"contents": "read"}:
        found.append("permissions")
    for name, job in workflow["jobs"].items():
        for step in job["steps"]:
            if step.get("uses", "").startswith("actions/checkout@"):
                if step.get("with", {}).get("persist-credentials") is not False:
                    found.append(f"{name}: the checkout keeps its credential")
            elif "${{" in step.get("run", ""):
                found.append(f"{name}: {step['name']}")
    return found


def test_every_workflow_fits_the_schema() -> None:
    assert len(WORKFLOWS) >= 2
    assert {path.name: faults(path.read_text(encoding="utf-8")) for path in WORKFLOWS} == {
        path.name: [] for path in WORKFLOWS
    }


def test_a_workflow_with_an_unknown_key_is_found() -> None:
    text = next(path for path in WORKFLOWS if path.name == "check.yml").read_text(encoding="utf-8")
    assert faults(text) == [] and faults(text.replace("timeout-minutes", "time-minutes", 1))


def test_no_workflow_trusts_more_than_it_must() -> None:
    assert {path.name: loose(path.read_text(encoding="utf-8")) for path in WORKFLOWS} == {
        path.name: [] for path in WORKFLOWS
    }


def test_what_is_loose_is_found() -> None:
    text = next(path for path in WORKFLOWS if path.name == "newest.yml").read_text(encoding="utf-8")
    for tight, wide in (
        (r"@[0-9a-f]{40} # v[\d.]+", "@v4"),
        ("persist-credentials: false", "persist-credentials: true"),
        ("contents: read", "contents: write"),
        (r"\$STATUS", "${{ job.status }}"),
    ):
        assert loose(re.sub(tight, wide, text, count=1)), tight


def test_newer_actions_are_proposed() -> None:
    text = (GITHUB / "dependabot.yml").read_text(encoding="utf-8")
    assert faults(text, "dependabot") == [] and "github-actions" in text
