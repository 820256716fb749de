"""Every package that is installed with the studio is listed with its licence, and none forbids its use."""

import re
import runpy
from pathlib import Path

LICENCES = runpy.run_path(str(Path(__file__).resolve().parents[1] / "scripts" / "licences.py"))
LISTED = dict(re.findall(r"^\| ([\w.-]+) \| (.+) \|$", LICENCES["LIST"].read_text("utf-8"), re.MULTILINE))


def test_the_list_holds_what_is_locked() -> None:
    assert set(LISTED) - {"package"} == set(LICENCES["locked"]()), "run scripts/licences.py"


def test_no_licence_forbids_use_in_a_program_under_another_one() -> None:
    strict = {
        name: said for name, said in LISTED.items() if re.search(r"(?<![Ll])GPL|Affero|General Public", said)
    }
    assert strict == {}


def test_only_packages_for_other_systems_have_no_licence() -> None:
    assert {name for name, said in LISTED.items() if said == "-"} <= {
        "httpx2-jsfetch",
        "win32-setctime",
        "colorama",
    }
