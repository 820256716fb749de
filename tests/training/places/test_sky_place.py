"""A machine from SkyPilot. Its program is played by one that answers as SkyPilot 0.14 did on a real cluster:
sentences before its JSON, an exit code that tells how a job ended, and a machine that is gone. The machine is
a real SSH server on loopback, behind an alias of the SSH configuration as SkyPilot writes it."""

import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest

from tests.sshd import MISSING, Server, ssh_server
from tests.tiny_base import add_version
from tianji_core import jobs, training
from tianji_core.errors import PlaceError, PlaceUnreachableError, TrainingError
from tianji_core.project import PROJECT
from tianji_core.store import training as rows
from tianji_core.training.places import sky_place
from tianji_core.training.places.adapters import SshAdapter
from tianji_core.training.places.profile import Place, checked_place
from tianji_core.training.places.sending import start_elsewhere
from tianji_core.training.places.sky_place import REQUEST, TASK, SkyPlace, last_line, try_sky
from tianji_core.training.skypilot import task_name
from tianji_core.workspace import Workspace

KEY = "nano-cpu-qlora"
LAUNCH = "f6c9c97d-5557-478e-bc6e-5601c082704c"
PROGRAM = """#!{python}
import json, sys
state = json.load(open("{folder}/state.json"))
words = sys.argv[1:]
open("{folder}/asked", "a").write(json.dumps(words) + "\\n")
key = next((key for key in state if " ".join(words).startswith(key)), None)
said, code = state[key] if key else ("Cluster(s) not found", 1)
print(said)
sys.exit(code)
"""


class Sky:
    """What SkyPilot's program says, by the words that it is called with."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.says({})

    def says(self, answers: dict[str, tuple[str, int]]) -> None:
        (self.folder / "state.json").write_text(json.dumps(answers), encoding="utf-8")

    def asked(self) -> list[list[str]]:
        path = self.folder / "asked"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


@pytest.fixture
def sky(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Sky:
    import sys

    folder = tmp_path / "bin"
    folder.mkdir()
    program = folder / "sky"
    program.write_text(PROGRAM.format(python=sys.executable, folder=folder), encoding="utf-8")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    return Sky(folder)


@pytest.fixture
def place() -> Place:
    return checked_place({"name": "rented", "kind": "sky", "sky": {"infra": "slurm/lab"}})


@pytest.fixture
def run(workspace: Workspace, place: Place, monkeypatch: pytest.MonkeyPatch) -> rows.TrainingRun:
    """A training with its bundle, whose job is not started."""
    import tianji_core.training.places.sending as sending

    monkeypatch.setattr(sending, "begin", lambda _workspace, run, _then: run)
    settings = training.default_settings(KEY)
    return start_elsewhere(workspace, KEY, settings, add_version(workspace), place)


def bundle_of(workspace: Workspace, run: rows.TrainingRun) -> Path:
    return training.work_folder(workspace, run) / "bundle.tar"


def launched(status: str) -> tuple[str, int]:
    return f'Checking the server\n[{{"request_id": "{LAUNCH}", "status": "{status}"}}]', 0


def queue(run: rows.TrainingRun, *states: str, machine: str = "tianji-rented") -> tuple[str, int]:
    name = task_name(training.record_of(run).bundle)
    listed = [{"job_id": n, "job_name": name, "status": each} for n, each in enumerate(states, 1)]
    return f"Fetching job queue for: {machine}\n{json.dumps({machine: listed}, indent=2)}", 0


SUBMITTED = (f"Running on cluster: x\nSubmitted sky.launch request: {LAUNCH}\n└── To cancel", 0)
GONE = ("Failed to get the job queue.\n  ClusterDoesNotExist: Cluster 'x' not found.\n{}", 0)


def test_a_training_is_launched_once_and_waited_for(
    workspace: Workspace, run: rows.TrainingRun, place: Place, sky: Sky
) -> None:
    adapter = SkyPlace(workspace, run, place)
    assert adapter.state().state == "unknown" and sky.asked() == []
    sky.says({"launch": SUBMITTED, "api status": launched("RUNNING")})
    state = adapter.submit(bundle_of(workspace, run), again=False)
    assert (state.state, state.active) == ("waiting", True) and "tianji-rented" in state.reason
    folder = training.work_folder(workspace, run)
    assert json.loads((folder / REQUEST).read_text()) == {"request": LAUNCH, "machine": "tianji-rented"}
    assert f"workdir: {PROJECT}" in (folder / TASK).read_text()
    again = SkyPlace(workspace, run, place)  # the job was killed and started again
    assert again.submit(bundle_of(workspace, run), again=True).state == "waiting"
    assert [words[0] for words in sky.asked()].count("launch") == 1
    sky.says({"api status": launched("SUCCEEDED"), "queue": queue(run, "SETTING_UP")})
    assert again.state().state == "waiting"


def test_a_machine_that_cannot_be_had_is_a_failure_with_its_reason(
    workspace: Workspace, run: rows.TrainingRun, place: Place, sky: Sky
) -> None:
    log = (
        "Considered resources\n⨯ Failed to provision.\nsky.exceptions.ResourcesUnavailableError: No quota",
        1,
    )
    sky.says({"launch": SUBMITTED, "api status": launched("FAILED"), "queue": GONE, "api logs": log})
    adapter = SkyPlace(workspace, run, place)
    state = adapter.submit(bundle_of(workspace, run), again=False)
    assert (state.state, state.active) == ("failed", False) and "No quota" in state.reason
    adapter.submit(bundle_of(workspace, run), again=True)
    assert [words[0] for words in sky.asked()].count("launch") == 2


@pytest.mark.parametrize(
    ("status", "log", "said"),
    [
        ("FAILED_SETUP", ("(setup) disk full: error: no space left", 100), "no space left"),
        ("CANCELLED", ("nothing", 103), ""),
    ],
)
def test_a_job_that_ended_before_the_studio_ran_says_why(
    workspace: Workspace, run: rows.TrainingRun, place: Place, sky: Sky, status: str, log: Any, said: str
) -> None:
    sky.says(
        {"launch": SUBMITTED, "api status": launched("SUCCEEDED"), "queue": queue(run, status), "logs": log}
    )
    state = SkyPlace(workspace, run, place).submit(bundle_of(workspace, run), again=False)
    assert not state.active and not state.finished and said in state.reason
    assert state.state == ("stopped" if status == "CANCELLED" else "failed")


def test_a_machine_that_is_gone_holds_no_training_and_a_queue_that_fails_is_asked_again(
    workspace: Workspace, run: rows.TrainingRun, place: Place, sky: Sky
) -> None:
    sky.says({"launch": SUBMITTED, "api status": launched("SUCCEEDED"), "queue": GONE})
    adapter = SkyPlace(workspace, run, place)
    assert adapter.submit(bundle_of(workspace, run), again=False).state == "unknown"
    sky.says({"api status": launched("SUCCEEDED"), "queue": ("Error: SSH timed out\n{}", 0)})
    with pytest.raises(PlaceUnreachableError, match="SSH timed out"):
        adapter.state()


def test_a_stop_takes_a_launch_back_or_cancels_the_job(
    workspace: Workspace, run: rows.TrainingRun, place: Place, sky: Sky, capsys: pytest.CaptureFixture[str]
) -> None:
    sky.says({"launch": SUBMITTED, "api status": launched("RUNNING"), "api cancel": ("Cancelled", 0)})
    adapter = SkyPlace(workspace, run, place)
    adapter.submit(bundle_of(workspace, run), again=False)
    adapter.stop()
    assert [
        "api",
        "cancel",
        "-y",
        LAUNCH,
    ] in sky.asked() and "sky down tianji-rented" in capsys.readouterr().out
    done = {"api status": launched("SUCCEEDED"), "queue": queue(run, "CANCELLED", "PENDING")}
    sky.says({**done, "cancel": ("Cancelled", 0)})
    adapter.stop()
    assert ["cancel", "-y", "tianji-rented", "2"] in sky.asked()


@pytest.mark.skipif(bool(MISSING), reason=f"no SSH here: {', '.join(MISSING)} not found")
def test_a_running_job_is_followed_over_the_alias_in_its_own_home(
    workspace: Workspace, run: rows.TrainingRun, place: Place, sky: Sky, tmp_path: Path, monkeypatch: Any
) -> None:
    with ssh_server(tmp_path / "there") as server:
        _point_at(server, monkeypatch)
        home = server.home / "job home"
        (home / "sky_workdir" / ".venv").parent.mkdir(parents=True)
        (home / "sky_workdir" / ".venv").symlink_to(PROJECT / ".venv")
        (home / "sky_workdir" / "tianji_core").symlink_to(PROJECT / "tianji_core")
        sky.says(
            {
                "launch": SUBMITTED,
                "api status": launched("SUCCEEDED"),
                "queue": queue(run, "FAILED", "RUNNING"),
                "logs": (f"(tianji, pid=7) TIANJI-HOME {home}\n(tianji, pid=7) training", 101),
                "status": ("", 0),
            }
        )
        adapter = SkyPlace(workspace, run, place)
        state = adapter.submit(bundle_of(workspace, run), again=False)
        assert (state.state, state.active) == ("waiting", True)  # its worker has not unpacked the bundle yet
        assert (home / "tianji-workspace").is_dir() and adapter.hashes({}) == {}
        far = adapter._far
        assert isinstance(far, SshAdapter)
        far.client.close()


def _point_at(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """Has the SSH client read an alias for the machine: it takes no other configuration than a person's."""
    config = server.folder / "config_of_alias"
    config.write_text(
        f"Host tianji-rented\n HostName 127.0.0.1\n Port {server.port}\n User {server.user}\n"
        f" IdentityFile {server.key}\n StrictHostKeyChecking no\n UserKnownHostsFile /dev/null\n"
    )
    from tianji_core.training.places.ssh_client import SshClient

    options = SshClient._options
    monkeypatch.setattr(SshClient, "_options", lambda self, port: ["-F", str(config), *options(self, port)])


def test_a_machine_is_given_back_when_everything_is_here(
    workspace: Workspace, run: rows.TrainingRun, place: Place, sky: Sky
) -> None:
    sky.says({"autostop": ("", 0)})
    assert "闲置 10 分钟" in SkyPlace(workspace, run, place).let_go()
    assert sky.asked() == [["autostop", "-y", "tianji-rented", "-i", "10", "--down"]]
    kept = place.model_copy(update={"keeps": True})
    assert "sky down tianji-rented" in SkyPlace(workspace, run, kept).let_go() and len(sky.asked()) == 1
    sky.says({"autostop": ("NotSupportedError: autostop is not supported", 1)})
    assert "not supported" in SkyPlace(workspace, run, place).let_go()


def test_without_skypilot_or_a_cloud_one_is_told_what_to_do(
    place: Place, sky: Sky, monkeypatch: pytest.MonkeyPatch
) -> None:
    sky.says({"check": ('Checking credentials\n{\n  "default": {\n    "Slurm": ["compute"]\n  }\n}', 0)})
    assert try_sky(place) == "Slurm"
    sky.says({"check": ('{"default": {}}', 0)})
    with pytest.raises(PlaceError, match="sky check"):
        try_sky(place)
    monkeypatch.setattr(sky_place.shutil, "which", lambda _name: None)
    with pytest.raises(PlaceError, match="没有 sky"):
        try_sky(place)


def test_a_card_must_be_named_before_anything_is_stored(workspace: Workspace, place: Place) -> None:
    settings = training.default_settings("internlm2-chat-7b-qlora")
    with pytest.raises(TrainingError, match="要显卡"):
        start_elsewhere(workspace, "internlm2-chat-7b-qlora", settings, add_version(workspace), place)
    assert rows.listed(workspace.engine) == [] and jobs.listed(workspace) == []


def test_a_machine_has_a_plain_name_of_its_own() -> None:
    def named(name: str, host: str = "") -> Place:
        return checked_place({"name": name, "kind": "sky", "host": host})

    assert named("rented").machine == "tianji-rented" and named("rented", "big-one").machine == "big-one"
    first, second = named("租来的").machine, named("租来的二").machine
    assert first != second and first.isascii() and not named("租来的").asks_for_keys
    with pytest.raises(PlaceError, match="机器名"):
        named("rented", "10.0.0.5")


def test_the_last_line_of_an_answer_is_its_error() -> None:
    said = "\x1b[31m⨯\x1b[0m Failed to set up\n└── View logs: x\nRuntimeError: exit code 1\n\nreal time\n"
    assert last_line(said) == "RuntimeError: exit code 1" and last_line("") == "—"
