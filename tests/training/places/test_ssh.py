"""Training on another machine behind SSH: a real server on loopback whose user has another home folder."""

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import ValidationError

from tests.processes import until
from tests.sshd import MISSING, Server, new_key, ssh_server, started
from tests.tiny_base import add_version, write_tiny_base
from tianji_core import jobs, training
from tianji_core.errors import DiskFullError, PlaceError, PlaceUnreachableError
from tianji_core.jobs import control
from tianji_core.jobs.processes import alive
from tianji_core.project import PROJECT
from tianji_core.store import jobs as job_store
from tianji_core.store import training as rows
from tianji_core.training import engine
from tianji_core.training.places.adapters import HASHED_AT_ONCE, SIGN, FarFacts, FarState, SshAdapter
from tianji_core.training.places.profile import Place, checked_place, save_place
from tianji_core.training.places.sending import elsewhere, keep, start_elsewhere
from tianji_core.training.places.ssh_client import QUESTION, SshClient, accept_keys, offered_keys
from tianji_core.workspace import Workspace, open_workspace

pytestmark = pytest.mark.skipif(bool(MISSING), reason=f"no SSH here: {', '.join(MISSING)} not found")
KEY = "nano-cpu-qlora"
OLDER = """#!/bin/sh
[ "$1" = -c ] && echo "TIANJI-PYTHON 3.9" && exit 0
echo "TypeError: unsupported operand type(s) for |" >&2
exit 1
"""
"""A Python that says of itself that it is older than the studio's."""
FOLLOW = """
import sys
from tianji_core.jobs import worker
from tianji_core.training.places import following
following.LONGEST = 2.0
sys.exit(worker.main(sys.argv[1:]))
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with ssh_server(tmp_path_factory.mktemp("ssh") / "there") as server:
        yield server


def lab(server: Server, **changes: object) -> Place:
    values = {
        "name": "lab",
        "host": "127.0.0.1",
        "port": server.port,
        "user": server.user,
        "key": str(server.key),
        "python": sys.executable,
        "project": str(PROJECT),
        "send_base": True,
    }
    return checked_place({**values, **changes})


def trusted(workspace: Workspace, place: Place) -> Place:
    accept_keys(workspace, place, [offered_keys(place)[0][1]])
    return place


@pytest.fixture
def quick_follower(monkeypatch: pytest.MonkeyPatch) -> None:
    """A follower looks every two seconds also after a while."""
    prepare = control.prepare_worker

    def prepared(workspace: Workspace, kind: str, title: str, subject: jobs.JobSubject) -> jobs.Job:
        job = prepare(workspace, kind, title, subject)
        if kind != "elsewhere":
            return job
        argv = [sys.executable, "-c", FOLLOW, *job.argv[3:]]
        job_store.change(workspace.engine, job.id, argv=argv)
        return job_store.get(workspace.engine, job.id)

    monkeypatch.setattr(control, "prepare_worker", prepared)


@pytest.mark.training
@pytest.mark.timeout(1200)
@pytest.mark.usefixtures("quick_follower")
def test_a_training_there_outlives_the_connection_and_the_laptop_and_is_that_of_here(
    workspace: Workspace, tmp_path: Path, server: Server
) -> None:
    """The connection is cut three times, and the process here that follows it is killed; nothing is trained
    twice, and losses and weights are those of a training on this machine with the same seed."""
    base = write_tiny_base(tmp_path / "base")
    values = {"base": str(base), "epochs": 2, "max_length": 272, "save_interval": 8, "eval_tokens": 1}
    settings = training.default_settings(KEY).model_copy(update=values)
    version = add_version(workspace)
    here = training.start_training(workspace, KEY, settings, version)
    run = start_elsewhere(workspace, KEY, settings, version, trusted(workspace, lab(server)))

    def seen() -> float:
        known = elsewhere(workspace, run)
        return known.seen or 0.0 if known is not None else 0.0

    def ended() -> bool:
        current = rows.get(workspace.engine, run.id)
        return current.job_id is not None and not jobs.get(workspace, current.job_id).active

    for number in range(3):
        last = seen()
        until(lambda last=last: seen() > last or ended(), 300)  # type: ignore[misc]
        server.cut()
        if number == 1:
            assert not ended(), "it has to be at work when its follower is killed"
            job = jobs.get(workspace, rows.get(workspace.engine, run.id).job_id or 0)
            assert job.supervisor_pid and job.pid
            with contextlib.suppress(ProcessLookupError):
                os.kill(job.supervisor_pid, signal.SIGKILL)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(job.pid, signal.SIGKILL)
            until(lambda job=job: ended() and not alive(job.pid, job.pid_started), 60)  # type: ignore[misc]
            assert jobs.get(workspace, job.id).state == "lost"
            training.resume_training(workspace, run)
    run = rows.get(workspace.engine, run.id)
    job = jobs.wait(workspace, run.job_id or 0, 400)
    assert job.state == "succeeded", jobs.log_tail(workspace, job.id)
    local = jobs.wait(workspace, here.job_id or 0, 400)
    assert local.state == "succeeded", jobs.log_tail(workspace, local.id)

    there = open_workspace(server.home / "tianji-workspace")
    assert len(rows.listed(there.engine)) == 1 and len(jobs.listed(there)) == 1
    ours, theirs = (
        training.training_state(workspace, rows.get(workspace.engine, each.id)) for each in (here, run)
    )
    assert theirs.finished and theirs.total == ours.total == 20
    assert [point.loss for point in theirs.points] == [point.loss for point in ours.points]
    assert [each.iteration for each in theirs.checkpoints] == [each.iteration for each in ours.checkpoints]
    weights = [engine.checkpoint_weights(state.checkpoints[-1].path) for state in (ours, theirs)]
    assert weights[0].keys() == weights[1].keys()
    assert all(bool((weights[0][name] == weights[1][name]).all()) for name in weights[0])


def test_a_host_is_trusted_only_after_a_person_accepted_its_key(
    workspace: Workspace, server: Server, tmp_path: Path
) -> None:
    place = lab(server)
    client = SshClient(workspace, place)
    with pytest.raises(PlaceError, match=r"还没有接受过 127\.0\.0\.1 的主机密钥"):
        client.run("true")
    with pytest.raises(PlaceError, match="没有 SHA256:wrong"):
        accept_keys(workspace, place, ["SHA256:wrong"])
    trusted(workspace, place)
    assert client.run("echo $HOME")[1].strip() == str(server.home)
    client.close()
    known = workspace.home / "known_hosts"
    other = tmp_path / "other"
    new_key(other)
    words = known.read_text(encoding="utf-8").split()
    words[2] = other.with_suffix(".pub").read_text(encoding="utf-8").split()[1]
    known.write_text(" ".join(words[:3]) + "\n", encoding="utf-8")
    with pytest.raises(PlaceError, match="主机密钥变了"):
        client.run("true")
    trusted(workspace, place)
    assert client.run("true")[0] == 0
    client.close()


def test_what_a_place_lacks_is_said_in_one_sentence(
    workspace: Workspace, server: Server, tmp_path: Path
) -> None:
    trusted(workspace, lab(server))
    other, older = tmp_path / "stranger", tmp_path / "older python"
    new_key(other)
    older.write_text(OLDER)
    older.chmod(0o755)
    for changes, sentence in (
        ({"key": str(other)}, "不让登录"),
        ({"python": "no-such-python"}, "那边没有 no-such-python"),
        ({"python": "/bin/true"}, "那边的 /bin/true 不是 Python"),
        ({"python": "/bin/ls"}, "那边的 /bin/ls 不是 Python"),
        ({"python": str(older)}, r"是 Python 3\.9，工坊要 3\.11、3\.12；请在那边用合适的 Python"),
        ({"project": "nowhere"}, "没有能用的工坊（.*No module named"),
        ({"folder": "/proc/none"}, "lab 那边："),
    ):
        with pytest.raises(PlaceError, match=sentence):
            SshAdapter(workspace, lab(server, **changes)).facts()
    with pytest.raises(PlaceUnreachableError, match=r"连不上 127\.0\.0\.1"):
        SshClient(workspace, lab(server, port=1)).run("true")


def test_files_that_were_cut_off_are_completed_with_and_without_rsync(
    workspace: Workspace, server: Server, tmp_path: Path
) -> None:
    client = SshClient(workspace, trusted(workspace, lab(server)))
    whole = tmp_path / 'a "b"\\ [1] *? 祝福.bin'
    whole.write_bytes(os.urandom(300_000))
    for left in (whole.read_bytes()[:100_000], bytes(100_000), bytes(300_000), whole.read_bytes() + b"a"):
        (server.home / "part.bin").write_bytes(left)  # a disk that was full leaves zeros
        client.send([(whole, "part.bin")])
        client.send([(whole, "part.bin")])
        assert (server.home / "part.bin").read_bytes() == whole.read_bytes()
    (server.home / "in").mkdir(exist_ok=True)
    name = 'in/祝福 [1] *?"\\.bin'
    (server.home / name).write_bytes(whole.read_bytes())
    for rsync in (False, True):
        target = tmp_path / f"here-{rsync}"
        (target / "in").mkdir(parents=True)
        (target / name).write_bytes(whole.read_bytes()[:1000])
        client.fetch(str(server.home), [name, "in/gone.bin"], target, rsync)
        assert (target / name).read_bytes() == whole.read_bytes()
    full = tmp_path / "full"
    full.mkdir()
    (full / "part.bin").symlink_to("/dev/full")
    with pytest.raises(DiskFullError, match=r"这台机器的磁盘满了，写不进 .*full"):
        client.fetch(str(server.home), ["part.bin"], full, rsync=False)
    client.close()


@pytest.fixture
def small_disk(server: Server) -> Iterator[Path]:
    """A file system of 200 KB in the home folder there; needs the right to mount one."""
    folder = server.home / "small"
    folder.mkdir(exist_ok=True)
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=200k", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip("this user may not mount a file system")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def test_a_disk_that_is_full_there_is_said_and_leaves_no_half_base_behind(
    workspace: Workspace, server: Server, small_disk: Path, tmp_path: Path
) -> None:
    """What arrived on a full disk has holes: it is sent again when there is room."""
    base = write_tiny_base(tmp_path / "base")
    settings = training.default_settings(KEY).model_copy(update={"base": str(base)})
    place = trusted(workspace, lab(server, folder="small/space"))
    run = training.prepare_training(workspace, KEY, settings, add_version(workspace), place="lab")
    adapter = SshAdapter(workspace, place, training.record_of(run).bundle)
    wanted = training.record_of(run).base_fingerprint
    with pytest.raises(PlaceError, match="lab 那边的磁盘满了，请腾出空间再来"):
        adapter.send_base(base, wanted)
    subprocess.run(["mount", "-o", "remount,size=20m", str(small_disk)], check=True)
    adapter.send_base(base, wanted)
    sent = small_disk / "space" / "incoming" / f"base-{wanted}"
    assert {path.name: path.read_bytes() for path in sent.iterdir()} == {
        path.name: path.read_bytes() for path in base.iterdir()
    }
    adapter.client.close()


@pytest.mark.slow
def test_a_place_that_was_mended_is_used_and_one_that_leads_elsewhere_is_not(
    workspace: Workspace, server: Server, tmp_path: Path
) -> None:
    """A training that may run at the former address is not sent to another machine as well."""
    wrong = trusted(workspace, lab(server, python="no-such-python"))
    save_place(workspace, wrong)
    base = write_tiny_base(tmp_path / "base", seed=9)
    settings = training.default_settings(KEY).model_copy(update={"base": str(base)})
    run = start_elsewhere(workspace, KEY, settings, add_version(workspace), wrong)
    job = jobs.wait(workspace, run.job_id or 0, 120)
    assert job.state == "failed" and "那边没有 no-such-python" in jobs.log_tail(workspace, job.id)
    save_place(workspace, lab(server, send_base=False, folder="mended"))
    again = training.resume_training(workspace, run)
    job = jobs.wait(workspace, again.job_id or 0, 240)
    assert job.state == "failed" and "没有基座 base；请把它放到" in jobs.log_tail(workspace, job.id)
    known = elsewhere(workspace, run)
    assert known is not None
    keep(workspace, run, known.model_copy(update={"seen": 1.0, "ended": False}))
    save_place(workspace, lab(server, folder="another"))
    again = training.resume_training(workspace, run)
    job = jobs.wait(workspace, again.job_id or 0, 240)
    assert "它可能还在 127.0.0.1 的 tianji-workspace 里训练" in jobs.log_tail(workspace, job.id)
    assert not list((server.home / "another" / "incoming").glob("*.tar"))


def test_hashes_of_large_files_are_asked_for_one_by_one_and_patiently(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[list[str], float]] = []

    def run(_client: SshClient, _command: str, given: str, patience: float) -> tuple[int, str, str]:
        names = json.loads(given)
        asked.append((names, patience))
        return 0, SIGN + json.dumps({"hashes": dict.fromkeys(names, "0")}), ""

    monkeypatch.setattr(SshClient, "run", run)
    adapter = SshAdapter(workspace, checked_place({"name": "lab", "host": "127.0.0.1"}), "0123456789abcdef")
    sizes = {"small": 1, "smaller": 0, "large": HASHED_AT_ONCE, "larger": 4 * HASHED_AT_ONCE}
    assert adapter.hashes(sizes) == dict.fromkeys(sizes, "0")
    assert [names for names, _patience in asked] == [["small", "smaller"], ["large"], ["larger"]]
    waits = [patience for _names, patience in asked]
    assert QUESTION <= waits[0] < waits[1] < waits[2] and waits[2] > 600
    assert adapter.hashes({}) == {} and len(asked) == 3


def test_a_server_that_is_away_for_a_while_is_found_again(workspace: Workspace, tmp_path: Path) -> None:
    with ssh_server(tmp_path / "there") as server:
        client = SshClient(workspace, trusted(workspace, lab(server)))
        assert client.run("true")[0] == 0
        server.stop()
        with pytest.raises(PlaceUnreachableError, match="连不上"):
            client.run("true")
        server.process = started(server.folder)
        assert client.run("true")[0] == 0
        client.close()


def test_a_folder_there_is_one_line_before_it_becomes_commands_of_sftp(
    workspace: Workspace, server: Server, tmp_path: Path
) -> None:
    """A line that begins with an exclamation mark is run by sftp on this machine."""
    ran = tmp_path / "ran"
    folder = f'/x"\n!touch {ran}\n'
    client = SshClient(workspace, trusted(workspace, lab(server)))
    for rsync in (False, True):
        with pytest.raises(PlaceError, match="控制字符"):
            client.fetch(folder, ["a.log"], tmp_path, rsync)
    with pytest.raises(PlaceError, match="控制字符"):
        client.fetch("/x", [f"a\n!touch {ran}"], tmp_path, False)
    client.close()
    assert not ran.exists()
    for values in ({"folder": folder}, {"home": folder}, {"folder": "relative"}, {"files": {"a": -1}}):
        with pytest.raises(ValidationError):
            FarState.model_validate({"state": "running", **values})
    assert FarState(state="running", folder="/data/我的　训练", reason="a\x1b[31m\nb").reason.isprintable()


def test_an_answer_without_end_is_cut_off(workspace: Workspace, server: Server) -> None:
    client = SshClient(workspace, trusted(workspace, lab(server)))
    with pytest.raises(PlaceError, match="回答太长"):
        client.run("exec yes")
    assert client.run("head -c 3000000 /dev/zero | tr '\\0' a; wc -c", "b" * 300_000)[1].endswith("300000\n")
    client.close()


def test_an_ipv6_address_is_no_path_to_sftp_and_rsync(workspace: Workspace, tmp_path: Path) -> None:
    client = SshClient(workspace, checked_place({"name": "lab", "host": "0::1", "user": "u", "port": 1}))
    for rsync in (False, True):
        with pytest.raises(PlaceUnreachableError, match="连不上 0::1"):
            client.fetch("/x", ["a.log"], tmp_path, rsync)


def test_facts_of_another_machine_have_their_types() -> None:
    for values in ({"cards": [{"name": "a", "total": "many"}]}, {"cards": [{"total": -1}]}, {"disk": -1}):
        with pytest.raises(ValidationError):
            FarFacts.model_validate({"versions": {}, "home": "/x", **values})


def test_only_the_host_keys_are_trusted_that_a_person_compared(workspace: Workspace, tmp_path: Path) -> None:
    """A server with two host keys, of which one is compared."""
    other = tmp_path / "other"
    subprocess.run(["ssh-keygen", "-q", "-t", "ecdsa", "-N", "", "-f", str(other)], check=True)
    with ssh_server(tmp_path / "two") as two:
        two.stop()
        config = (two.folder / "config").read_text()
        (two.folder / "config").write_text(f"{config}HostKey {other}\n")
        two.process = started(two.folder)
        place = lab(two)
        offered = {line.split()[1]: known for line, known in offered_keys(place)}
        for nothing in ([], [""], [" "]):
            with pytest.raises(PlaceError, match="主机密钥里没有"):
                accept_keys(workspace, place, nothing)
        assert accept_keys(workspace, place, [offered["ssh-ed25519"]]) == [offered["ssh-ed25519"]]
        known = (workspace.home / "known_hosts").read_text(encoding="utf-8")
        assert "ssh-ed25519" in known and "ecdsa" not in known
        assert len(accept_keys(workspace, place, list(offered.values()))) == len(offered) == 2
