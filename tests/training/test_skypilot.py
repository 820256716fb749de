"""The task of SkyPilot: its text, and that SkyPilot's own parser reads what was meant."""

import os
import re
import shutil
import subprocess
import sys
import warnings
from pathlib import Path

import pytest
import yaml

from tianji_core.errors import TrainingError
from tianji_core.project import PROJECT
from tianji_core.training import Target
from tianji_core.training.skypilot import SkyRequest, check_sky, checked_sky, launch_command, sky_task

ID = "0123456789abcdef"
_SKY = shutil.which("sky")
PYTHON_OF_SKY = os.environ.get("SKYPILOT_PYTHON") or (
    str(Path(_SKY).resolve().parent / "python") if _SKY else ""
)
"""A Python that has SkyPilot, '' where there is none."""
if not PYTHON_OF_SKY:
    warnings.warn("SkyPilot is not installed: its parser reads no task, SKIPPED", stacklevel=1)
READ = """import json, sys, sky
task = sky.Task.from_yaml(sys.argv[1])
(asked,) = task.resources
print("READ " + json.dumps({
    "cloud": str(asked.cloud).lower(), "region": asked.region, "zone": asked.zone,
    "cards": asked.accelerators, "spot": asked.use_spot,
    "recovery": asked.job_recovery, "nodes": task.num_nodes,
    "mounts": task.file_mounts, "volumes": task.volumes,
    "workdir": task.workdir, "run": task.run,
}))"""
COMMANDS = (
    "launch -y -d --async -c machine task.yaml",
    "launch -c machine task.yaml",
    "jobs launch task.yaml",
    "autostop -y machine --cancel",
    "autostop -y machine -i 5 --down",
    "api status request -a -o json",
    "api cancel -y request",
    "api logs request --no-follow --tail 20",
    "cancel -y machine 3",
    "queue machine -o json",
    "logs machine 3 --no-follow --tail 0",
    "status machine",
    "check -o json",
    "down -y machine",
)
"""What the studio asks of the program, and what it tells a person to run."""
PARSE = """import sys, click
from sky.client.cli.command import cli
for line in [*sys.argv[1:], "launch --no-such-option"]:
    command, words, context = cli, line.split(), click.Context(cli)
    try:
        while isinstance(command, click.Group):
            name, command, words = command.resolve_command(context, words)
            context = click.Context(command, info_name=name, parent=context)
        command.make_context(name, words)
    except click.ClickException as error:
        print("REFUSED " + line + ": " + error.format_message())"""
REQUESTS = {
    "cloud": SkyRequest(infra="aws/us-east-1", gpus="L4"),
    "cluster": SkyRequest(infra="kubernetes", gpus="A100:2", volume="tianji-data", spot=True),
    "cheapest": SkyRequest(gpus="RTX4090:1"),
    "zone": SkyRequest(infra="gcp/us-central1/us-central1-a", gpus="A100-80GB:8"),
    "context": SkyRequest(infra="kubernetes/lab.west", gpus="H100", volume="tianji-data"),
}


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    """A file in place of a bundle, and a folder in place of a base, whose names need quotes in YAML."""
    bundle, base = tmp_path / "训练 包#1.tar", tmp_path / "base: small"
    bundle.write_bytes(b"bundle")
    base.mkdir()
    return bundle, base


def text_of(request: SkyRequest, files: tuple[Path, Path]) -> str:
    return sky_task(request, Target(), "cuda", files[0], ID, files[1])


def test_a_task_on_spot_machines_keeps_its_work_in_the_volume(files: tuple[Path, Path]) -> None:
    task = yaml.safe_load(text_of(REQUESTS["cluster"], files))
    base = next(name for name, folder in task["file_mounts"].items() if folder == str(files[1]))
    assert re.fullmatch(r"~/tianji-base-[0-9a-f]{12}", base)
    assert task == {
        "name": f"tianji-{ID}",
        "resources": {
            "infra": "kubernetes",
            "accelerators": "A100:2",
            "use_spot": True,
            "job_recovery": "FAILOVER",
        },
        "num_nodes": 1,
        "workdir": str(PROJECT),
        "file_mounts": {f"~/tianji-{ID}.tar": str(files[0]), base: str(files[1])},
        "volumes": {"/tianji": "tianji-data"},
        "setup": "bash scripts/setup\n",
        "run": 'echo "TIANJI-HOME $HOME"\n'
        f".venv/bin/python -m tianji_core worker --bundle ~/tianji-{ID}.tar --base {base}"
        f" --trust-preset --workspace /tianji/{ID}\n",
    }


def test_without_a_volume_the_work_lies_on_the_machine(files: tuple[Path, Path]) -> None:
    task = yaml.safe_load(text_of(REQUESTS["cloud"], files))
    assert task["resources"] == {"infra": "aws/us-east-1", "accelerators": "L4:1"}
    assert "volumes" not in task and task["run"].endswith("--workspace ~/tianji-workspace\n")


def with_sky(folder: Path, program: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Runs a program for SkyPilot's Python, with ``folder`` as its home."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "SKYPILOT_DISABLE_USAGE_COLLECTION": "1"}
    command = [PYTHON_OF_SKY, "-c", program, *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=environment, check=False)


needs_sky = pytest.mark.skipif(
    not PYTHON_OF_SKY, reason="SkyPilot is not installed (pip install skypilot, SKYPILOT_PYTHON)"
)


@needs_sky
def test_the_program_of_skypilot_knows_every_option_that_is_asked_of_it(tmp_path: Path) -> None:
    done = with_sky(tmp_path, PARSE, *COMMANDS)
    assert done.returncode == 0, done.stderr[-3000:]
    refused = [line for line in done.stdout.splitlines() if line.startswith("REFUSED ")]
    assert len(refused) == 1 and refused[0].startswith("REFUSED launch --no-such-option")


@needs_sky
@pytest.mark.parametrize("name", REQUESTS)
def test_the_parser_of_skypilot_reads_what_was_meant(
    name: str, files: tuple[Path, Path], tmp_path: Path
) -> None:
    request, path = REQUESTS[name], tmp_path / "task.yaml"
    path.write_text(text_of(request, files), encoding="utf-8")
    done = with_sky(tmp_path, READ, str(path))
    assert done.returncode == 0, done.stderr[-3000:]
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("READ ")]
    told = yaml.safe_load(line.removeprefix("READ "))
    card, _colon, count = request.gpus.partition(":")
    assert told["cards"] == {card: int(count or 1)} and told["nodes"] == 1 and told["spot"] == request.spot
    assert set(told["mounts"].values()) == {str(files[0]), str(files[1])}
    assert told["cloud"] == (request.infra.split("/")[0] or "none")
    _cloud, region, zone = [*request.infra.split("/"), "", ""][:3]
    assert (told["region"], told["zone"]) == (region or None, zone or None)
    assert told["volumes"] == ({"/tianji": request.volume} if request.volume else {})
    assert (told["recovery"] is not None) == request.spot and told["workdir"] == str(PROJECT)


@pytest.mark.skipif(not shutil.which("bash"), reason="no bash")
def test_the_verb_of_the_task_is_one_of_this_studio(files: tuple[Path, Path], tmp_path: Path) -> None:
    run = str(yaml.safe_load(text_of(REQUESTS["cheapest"], files))["run"])
    asked = run.replace(".venv/bin/python", sys.executable).replace("~", str(tmp_path))
    (tmp_path / f"tianji-{ID}.tar").write_bytes(b"no bundle")
    done = subprocess.run(["bash", "-c", asked], cwd=PROJECT, capture_output=True, text=True, check=False)
    assert done.returncode == 2 and "No such option" not in done.stderr and f"tianji-{ID}.tar" in done.stderr


@pytest.mark.parametrize(
    "values",
    [
        {"infra": "aws; rm -rf"},
        {"gpus": "L4:0"},
        {"gpus": "L4 1"},
        {"volume": "../data"},
        {"spot": True},
    ],
)
def test_what_cannot_be_asked_is_refused(values: dict[str, object]) -> None:
    with pytest.raises(TrainingError):
        checked_sky(values)


def test_a_task_needs_a_card_and_one_machine() -> None:
    with pytest.raises(TrainingError, match="--sky-gpus"):
        check_sky(SkyRequest(), Target(), "cuda")
    with pytest.raises(TrainingError):
        check_sky(SkyRequest(gpus="L4"), Target(nodes=2, address="first"), "cuda")
    check_sky(SkyRequest(), Target(), "cpu")


def test_spot_machines_are_asked_for_as_a_managed_job(tmp_path: Path) -> None:
    file = tmp_path / "a b.yaml"
    assert launch_command(REQUESTS["cluster"], file, "x") == f"sky jobs launch '{file}'"
    assert launch_command(REQUESTS["cloud"], file, "x") == f"sky launch -c x '{file}'"


def test_a_base_that_is_there_or_goes_with_the_sources_is_not_sent(files: tuple[Path, Path]) -> None:
    for base, said in (("/data/my base", " --base '/data/my base'"), (PROJECT / "configs", "")):
        task = yaml.safe_load(sky_task(SkyRequest(), Target(), "cpu", files[0], ID, base))
        assert list(task["file_mounts"]) == [f"~/tianji-{ID}.tar"]
        assert f".tar{said} --trust-preset" in task["run"]
