"""Every upper bound and exact pin has its reason in ``pins.toml``, which the manual shows."""

import runpy
import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tianji_core import project

ROOT = Path(__file__).resolve().parents[1]
PINS = runpy.run_path(str(ROOT / "scripts" / "pins.py"))
REASONS = tomllib.loads((ROOT / "pins.toml").read_text(encoding="utf-8"))["pin"]


def bounded() -> Iterator[str]:
    """The names of what is bound from above."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    lists = [
        settings["build-system"]["requires"],
        settings["project"]["dependencies"],
        *settings["project"]["optional-dependencies"].values(),
        *settings["dependency-groups"].values(),
        [project.XTUNER, project.DEEPSPEED, *project.GGUF],
    ]
    for requirement in (Requirement(text) for texts in lists for text in texts):
        if any(part.operator in ("<", "<=", "==", "~=", "===") for part in requirement.specifier):
            yield canonicalize_name(requirement.name)


def test_every_bound_has_one_reason_and_every_reason_a_bound() -> None:
    explained = Counter(name for reason in REASONS for name in reason["packages"])
    assert set(explained) == set(bounded()), "write into pins.toml why"
    assert [name for name, times in explained.items() if times > 1] == []
    for reason in REASONS:
        assert all(reason[part][language].strip() for part in ("why", "lift") for language in ("zh", "en"))


def test_the_table_shows_the_bounds_as_they_are() -> None:
    for language in ("zh", "en"):
        table = PINS["pin_table"](language)
        assert "`transformers==4.53.3`" in table and "`xtuner==0.2.0`" in table
        assert "`numpy" in table and ",<3`" in table
        assert table.count("\n|") == len(REASONS) + 2


def test_the_weekly_workflow_tries_the_newest_and_the_lifted_pins() -> None:
    text = (ROOT / ".github" / "workflows" / "newest.yml").read_text(encoding="utf-8")
    steps = [step for job in yaml.safe_load(text)["jobs"].values() for step in job["steps"]]
    run = "\n".join(str(step.get("run", "")) for step in steps)
    assert "schedule:" in text and "make lock UPGRADE=1" in run and "scripts/pins.py lift" in run
    assert "GITHUB_STEP_SUMMARY" in run


def test_lifting_takes_the_upper_bounds_away_and_keeps_what_is_needed_at_least() -> None:
    lifted = PINS["lifted"](
        'a = ["torch==2.9.1", "numpy>=2.2,<3", "x[y]>=1,<2; sys_platform == \'linux\'"]', {"torch"}
    )
    assert lifted == 'a = ["torch>=2.9.1", "numpy>=2.2,<3", "x[y]>=1,<2; sys_platform == \'linux\'"]'
    everything = PINS["lifted"]('a = ["numpy>=2.2,<3", "pdfminer.six>=20260107"]', {"numpy", "pdfminer-six"})
    assert everything == 'a = ["numpy>=2.2", "pdfminer.six>=20260107"]'


def test_lifting_what_is_not_required_is_refused_with_its_name() -> None:
    command = [sys.executable, str(ROOT / "scripts" / "pins.py"), "lift", "nosuch"]
    said = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert said.returncode == 1 and "nosuch" in said.stderr
