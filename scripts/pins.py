"""What bounds the versions of the packages: the table of the manual out of ``pins.toml``.

``scripts/pins.py lift NAME…`` takes the upper bounds of these packages out of ``pyproject.toml``, to try the
releases above them.
"""

import re
import sys
import tomllib
from collections.abc import Collection
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tianji_core import project  # noqa: E402

SETTINGS = ROOT / "pyproject.toml"


def pin_table(language: str) -> str:
    """Returns the table of the pins in Markdown, in a language of the manual."""
    columns = {"zh": ("钉住的", "为什么", "怎样才能放开"), "en": ("bound", "why", "what lifts it")}[language]
    written = _requirements()
    lines: list[tuple[str, ...]] = [columns, ("---",) * 3]
    for reason in tomllib.loads((ROOT / "pins.toml").read_text(encoding="utf-8"))["pin"]:
        bounds = ", ".join(f"`{written[name]}`" for name in reason["packages"])
        lines.append((bounds, *(_cell(reason[part][language]) for part in ("why", "lift"))))
    return "\n" + "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _cell(text: str) -> str:
    return text.replace("_", "\\_").replace("*", "\\*").replace("|", "\\|")


def _requirements() -> dict[str, str]:
    """Each package with its bounds as they are written."""
    settings = tomllib.loads(SETTINGS.read_text(encoding="utf-8"))
    lists = [
        *settings["dependency-groups"].values(),
        settings["build-system"]["requires"],
        *settings["project"]["optional-dependencies"].values(),
        settings["project"]["dependencies"],
        [project.XTUNER, *project.GGUF],
    ]
    found: dict[str, str] = {}
    for requirement in (Requirement(text) for texts in lists for text in texts):
        bounds = sorted(map(str, requirement.specifier), reverse=True)
        found[canonicalize_name(requirement.name)] = requirement.name + ",".join(bounds)
    return found


def lifted(text: str, names: Collection[str]) -> str:
    """Returns the text of a ``pyproject.toml`` in which these packages may be newer: ``==`` becomes ``>=``,
    and the bound after ``<`` goes."""

    def without_bound(match: re.Match[str]) -> str:
        if canonicalize_name(match["name"]) not in names:
            return match[0]
        parts = match["bounds"].split(",")
        bounds = [part.replace("==", ">=") for part in parts if not part.startswith("<")]
        return f'"{match["name"]}{match["extras"]}{",".join(bounds)}{match["rest"]}"'

    return re.sub(
        r'"(?P<name>[A-Za-z][\w.-]*)(?P<extras>(?:\[[\w,-]+\])?)'
        r'(?P<bounds>[<>=][^";]*)(?P<rest>(?:;[^"]*)?)"',
        without_bound,
        text,
    )


if __name__ == "__main__":
    if len(sys.argv) < 3 or sys.argv[1] != "lift":
        sys.exit("usage: scripts/pins.py lift NAME…")
    chosen = {canonicalize_name(name) for name in sys.argv[2:]}
    if unknown := chosen - _requirements().keys():
        sys.exit(f"scripts/pins.py: no requirement is called {', '.join(sorted(unknown))}")
    before = SETTINGS.read_text(encoding="utf-8")
    for pin in sorted(chosen):
        print(f"{pin}: {'nothing to lift' if lifted(before, {pin}) == before else 'lifted'}")
    SETTINGS.write_text(lifted(before, chosen), encoding="utf-8")
