"""What set-up installs, and that the studio runs where pip put it."""

import re
import runpy
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.installed import ROOT, install_wheel
from tests.test_layers import imported_modules
from tianji_core import project

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
TRAIN = PROJECT["project"]["optional-dependencies"]["train"]
LOCKS = (
    "requirements.txt",
    "requirements-light.txt",
    "requirements-dev.txt",
    "requirements-xtuner.txt",
    "requirements-gguf.txt",
    "requirements-litellm.txt",
)
ENTRY = re.compile(
    r"^([A-Za-z0-9._-]+)==(\S+)(?: ; (.+?))? \\\n((?:    --hash=sha256:[0-9a-f]{64}(?: \\)?\n)+)", re.M
)


def locked(file: str) -> dict[str, set[str]]:
    """Name → the versions that a lock file gives it (two where Python 3.11 and 3.12 differ)."""
    versions: dict[str, set[str]] = {}
    for name, version, _marker, _hashes in ENTRY.findall((ROOT / file).read_text(encoding="utf-8")):
        versions.setdefault(canonicalize_name(name), set()).add(version)
    return versions


def test_sentencepiece_reads_its_models_with_the_protobuf_beside_it() -> None:
    code = "from sentencepiece import sentencepiece_model_pb2 as model; "
    code += "print(model.ModelProto().SerializeToString())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == "b''", done.stderr


@pytest.mark.parametrize(
    ("file", "required"),
    [
        ("requirements.txt", PROJECT["project"]["dependencies"] + TRAIN),
        ("requirements-light.txt", PROJECT["project"]["dependencies"]),
        ("requirements-dev.txt", PROJECT["dependency-groups"]["dev"]),
        ("requirements-xtuner.txt", [project.XTUNER]),
        ("requirements-gguf.txt", list(project.GGUF)),
        ("requirements-litellm.txt", PROJECT["dependency-groups"]["litellm"]),
    ],
)
def test_the_lock_holds_what_the_project_requires(file: str, required: list[str]) -> None:
    versions = locked(file)
    for requirement in map(Requirement, required):
        name = canonicalize_name(requirement.name)
        assert versions.get(name), f"{name} is not in {file}: run make lock"
        assert all(requirement.specifier.contains(version) for version in versions[name]), (
            f"run make lock: {name}"
        )


@pytest.mark.parametrize("file", LOCKS)
def test_every_line_of_a_lock_has_a_version_and_hashes_and_names_no_index(file: str) -> None:
    text = (ROOT / file).read_text(encoding="utf-8")
    rest = [line for line in ENTRY.sub("", text).splitlines() if not line.lstrip().startswith("#")]
    assert rest == []
    assert "://" not in text


def test_every_package_that_the_studio_imports_is_among_its_dependencies() -> None:
    named = PROJECT["project"]["dependencies"] + TRAIN + PROJECT["project"]["optional-dependencies"]["ocr"]
    required = {canonicalize_name(Requirement(text).name) for text in named}
    required |= {"xtuner"} | {canonicalize_name(Requirement(text).name) for text in project.GGUF}
    sources = [ROOT / "app.py", *(ROOT / "pages").rglob("*.py"), *(ROOT / "tianji_core").rglob("*.py")]
    imported = {module.split(".")[0] for path in sources for module in imported_modules(path)}
    own = {"app", "pages", "tianji_core"}
    homes = packages_distributions()
    undeclared = {
        module
        for module in imported - own - set(sys.stdlib_module_names)
        if not required & {canonicalize_name(name) for name in homes.get(module, [])}
    }
    assert undeclared == set()


def test_the_table_of_sizes_keeps_what_is_locked_for_other_systems() -> None:
    merged = runpy.run_path(str(ROOT / "scripts" / "package_sizes.py"))["merged"]
    before = {"triton": 9.0, "torch": 5.0, "unknown-to-the-locks": 7.0}
    assert merged(before, {"torch": 6.0, "typer": 0.1}) == {"torch": 6.0, "triton": 9.0}


def test_a_package_of_both_locks_has_one_version_in_them() -> None:
    base, dev = locked("requirements.txt"), locked("requirements-dev.txt")
    assert {name: dev[name] for name in dev if name in base and not dev[name] <= base[name]} == {}


def test_the_light_studio_is_a_part_of_the_whole_and_has_no_torch() -> None:
    whole, light = locked("requirements.txt"), locked("requirements-light.txt")
    assert {name: light[name] for name in light if light[name] != whole.get(name)} == {}
    assert not {"torch", "triton", "transformers", "bitsandbytes", "scipy", "opencv-python"} & set(light)


TRAINING_PART = (
    "evaluation/sweep/perplexity.py",
    "evaluation/sweep/weights.py",
    "generation/knowledge/pictures.py",  # says what to install where it is missing
    "model_folders/answering.py",
    "model_folders/foreign_code.py",
    "model_folders/four_bits.py",
    "model_folders/quick_imports.py",
    "models/download.py",  # its start looks first whether modelscope is here
    "models/gguf/",
    "models/merging.py",
    "models/nano/",
    "models/verify.py",
    "serving/",
    "training/arithmetic/",
    "training/cut_base.py",
    "training/try_base.py",
    "training/xtuner_engine/",
)
"""The modules of tianji_core that may import what the light studio lacks."""


def test_outside_the_training_part_the_light_studio_has_every_package_that_is_imported() -> None:
    light, homes = set(locked("requirements-light.txt")), packages_distributions()
    here = {"app", "pages", "tianji_core", *sys.stdlib_module_names}
    lacking: dict[str, set[str]] = {}
    for path in [ROOT / "app.py", *(ROOT / "pages").rglob("*.py"), *(ROOT / "tianji_core").rglob("*.py")]:
        for module in {name.split(".")[0] for name in imported_modules(path)} - here:
            if not light & {canonicalize_name(name) for name in homes.get(module, [])}:
                name = path.relative_to(ROOT).as_posix().removeprefix("tianji_core/")
                lacking.setdefault(next(filter(name.startswith, TRAINING_PART), name), set()).add(module)
    assert sorted(lacking) == sorted(TRAINING_PART), lacking


def test_a_checkout_names_its_own_command_for_missing_packages() -> None:
    assert project.install_command(["torch", "xtuner"]) == "make install"


def test_an_installed_studio_says_its_version_and_the_command_for_each_missing_package(
    tmp_path: Path,
) -> None:
    tianji = install_wheel(tmp_path)
    said = subprocess.run(
        [str(tianji), "--version"], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    [wheel] = (tmp_path / "dist").glob("*.whl")
    assert said.stdout.split() == [project.DISTRIBUTION, wheel.name.split("-")[1]]
    python = tianji.with_name("python")
    code = "from tianji_core.project import install_command; print(install_command(['torch', 'xtuner']))"
    done = subprocess.run([str(python), "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert done.stdout.strip() == f'pip install "torch==2.9.1" && pip install --no-deps {project.XTUNER}'


@pytest.mark.training
@pytest.mark.timeout(900)
def test_an_installed_studio_walks_the_corridor_in_an_empty_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PYTHONPATH", raising=False)
    monkeypatch.delenv("TIANJI_HOME")
    empty = tmp_path / "empty"
    empty.mkdir()
    command = [str(install_wheel(tmp_path)), "demo", "--styles", "正常", "--samples", "200", "--prompts", "6"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=empty)
    assert done.returncode == 0, done.stderr
    assert [entry.name for entry in empty.iterdir()] == ["workspace"]
    assert list((empty / "workspace" / "models").glob("*/model.safetensors"))
