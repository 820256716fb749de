"""Lists the packages that the studio is installed with, and their licences, in ``docs/licences.md``.

The names are those of the lock, the licences what the packages themselves declare.
"""

import re
from importlib import metadata
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LIST = ROOT / "docs" / "licences.md"
LOCKS = ("requirements.txt", "requirements-xtuner.txt")
UNDECLARED = {"sentencepiece": "Apache-2.0", "zhipuai": "MIT License"}
"""What their repositories say where the packages' metadata is silent."""
LONGEST = 60
"""Characters up to which the field ``License`` is a name; longer ones are the text of a licence."""


def locked() -> dict[str, str]:
    """Returns the locked packages and their versions, those for other systems too."""
    found: dict[str, str] = {}
    for name in LOCKS:
        for match in re.finditer(
            r"^([\w.-]+)==(\S+)", (ROOT / name).read_text(encoding="utf-8"), re.MULTILINE
        ):
            found[match[1]] = match[2]
    return dict(sorted(found.items()))


def licence(package: str) -> str:
    """Returns what a package says of its licence, '' where it is not installed or says nothing."""
    if package in UNDECLARED:
        return UNDECLARED[package]
    try:
        told = metadata.metadata(package).json
    except metadata.PackageNotFoundError:
        return ""
    if expression := told.get("license_expression"):
        return " ".join(str(expression).split())
    classified = [
        line.rpartition(" :: ")[2] for line in told.get("classifier") or [] if line.startswith("License :: ")
    ]
    if named := [each for each in classified if each != "OSI Approved"]:
        return ", ".join(named)
    written = " ".join(str(told.get("license") or "").split())
    return written if len(written) <= LONGEST else _first_words(written)


def _first_words(text: str) -> str:
    """The name that the text of a licence begins with."""
    match = re.search(
        r"(MIT|BSD|Apache|ISC|Mozilla|Python Software Foundation)[\w .-]*?(?:License|Licence|\d)", text
    )
    return match[0] if match else text[:LONGEST]


def listing() -> str:
    """Returns the document."""
    rows = "".join(f"| {name} | {licence(name) or '-'} |\n" for name in locked())
    return (
        "# Licences of what the studio is installed with\n\n"
        "Written by `scripts/licences.py` from what each package declares; `-` where it declares nothing or "
        "is for another system. The studio itself is Apache-2.0 and contains none of them.\n\n"
        f"| package | licence |\n|---|---|\n{rows}"
    )


if __name__ == "__main__":
    LIST.write_text(listing(), encoding="utf-8")
