"""Set-up against a package index on this machine: from the lock, from one address after another, on from
where it was broken off, and one sentence for each failure."""

import json
import os
import signal
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import psutil
import pytest

from tests.conftest import ROOT
from tests.installing.loopback_index import LoopbackIndex, loopback_index, set_up_variables, small_project
from tests.processes import free_port, until
from tianji_core.errors import StudioError
from tianji_core.installing.faults import fault_of

COMMAND = [".venv/bin/python", "-m", "tianji_core.installing", "light"]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A small project whose ``.venv`` has pip and nothing else."""
    folder = small_project(tmp_path / "project", "alpha", "beta")
    venv.create(folder / ".venv", with_pip=False)
    [packages] = folder.glob(".venv/lib/python*/site-packages")
    for source in Path(sysconfig.get_path("purelib")).glob("pip*"):
        (packages / source.name).symlink_to(source)
    return folder


def set_up(project: Path, **values: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        COMMAND,
        cwd=project,
        env=set_up_variables(project.parent, **values),
        capture_output=True,
        text=True,
    )


def held_up(project: Path, index: LoopbackIndex, name: str) -> "tuple[subprocess.Popen[str], psutil.Process]":
    """A set-up that waits for this wheel, and its pip."""
    index.held = {name}
    variables = set_up_variables(project.parent, TIANJI_PIP_INDEXES=index.url)
    running = subprocess.Popen(COMMAND, cwd=project, env=variables, stderr=subprocess.PIPE, text=True)
    until(lambda: name in index.asked)
    [pip] = psutil.Process(running.pid).children()
    return running, pip


def has(project: Path, name: str) -> bool:
    return any(project.glob(f".venv/lib/python*/site-packages/{name}-1.0.dist-info/RECORD"))


def test_what_the_lock_names_is_installed_once_and_what_was_broken_off_again(project: Path) -> None:
    with loopback_index("alpha", "beta") as index:
        done = set_up(project, TIANJI_PIP_INDEXES=index.url)
        assert done.returncode == 0, done.stderr
        assert has(project, "alpha") and has(project, "beta")
        assert "安装 2 个包" in done.stderr and "装好了" in done.stderr

        [record] = project.glob(".venv/lib/python*/site-packages/beta-1.0.dist-info/RECORD")
        record.unlink()  # pip writes it last
        index.asked.clear()
        assert set_up(project, TIANJI_PIP_INDEXES=index.url).returncode == 0
        assert index.asked == [] or index.asked == ["beta"]  # from pip's cache, or anew
        assert has(project, "beta")
    again = set_up(project, TIANJI_PIP_INDEXES=index.url)  # nobody answers there any more
    assert (again.returncode, again.stderr) == (0, "")


@pytest.mark.parametrize(("forbidden", "compiled"), [("", False), ("1", True)])
def test_modules_are_compiled_where_no_later_start_may_keep_that(
    project: Path, forbidden: str, compiled: bool
) -> None:
    with loopback_index("alpha", "beta") as index:
        set_up(project, TIANJI_PIP_INDEXES=index.url, PYTHONDONTWRITEBYTECODE=forbidden)
    assert has(project, "alpha")
    assert bool([*project.glob(".venv/lib/python*/site-packages/**/alpha*.pyc")]) is compiled


def test_an_address_that_does_not_answer_gives_way_to_the_next(project: Path) -> None:
    dead = f"http://127.0.0.1:{free_port()}/simple"
    with loopback_index("alpha", "beta") as index:
        (project / ".env").write_text(f'TIANJI_PIP_INDEXES="{dead}, {index.url}"\n', encoding="utf-8")
        done = set_up(project)
    assert done.returncode == 0, done.stderr
    assert f"连不上 {dead}。改用下一个软件源" in done.stderr
    assert has(project, "alpha")


def test_an_address_without_the_package_and_one_that_stands_still_give_way(project: Path) -> None:
    with loopback_index() as without, loopback_index("alpha", "beta") as still:
        still.still = True
        with loopback_index("alpha", "beta") as index:
            places = f"{without.url} {still.url} {index.url}"
            done = set_up(project, TIANJI_PIP_INDEXES=places, PIP_DEFAULT_TIMEOUT="0.5")
        assert done.returncode == 0, done.stderr
        assert f"{without.url} 没有 alpha==1.0。改用下一个软件源" in done.stderr
        assert f"连不上 {still.url}。改用下一个软件源" in done.stderr
        assert has(project, "alpha") and has(project, "beta")


def test_another_checksum_than_the_lock_is_refused(project: Path) -> None:
    with loopback_index("alpha", "beta") as index:
        index.wheels["beta"] += b" "
        done = set_up(project, TIANJI_PIP_INDEXES=index.url)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith(f"setup: {index.url} 给的 beta 和锁定的校验值不一样")
    assert not has(project, "beta")


def test_no_room_on_the_disk_is_said_before_anything_is_fetched(project: Path) -> None:
    (project / "configs" / "package_sizes.json").write_text(json.dumps({"beta": 1e9}), encoding="utf-8")
    with loopback_index("alpha", "beta") as index:
        done = set_up(project, TIANJI_PIP_INDEXES=index.url)
        assert index.asked == []
    assert done.returncode == 1
    assert "磁盘只剩" in done.stderr and "腾出空间" in done.stderr


def test_what_was_installed_before_a_kill_stays_and_one_set_up_runs_at_a_time(project: Path) -> None:
    (project / "configs" / "package_sizes.json").write_text(
        json.dumps({"alpha": 140, "beta": 145}), encoding="utf-8"
    )
    with loopback_index("alpha", "beta") as index:
        running, pip = held_up(project, index, "beta")
        running.kill()
        running.communicate()

        second = set_up(project, TIANJI_PIP_INDEXES=index.url)  # its pip goes on
        assert second.returncode != 0 and "另一个安装正在进行" in second.stderr
        pip.kill()
        until(lambda: not pip.is_running() or pip.status() == psutil.STATUS_ZOMBIE)
        assert has(project, "alpha") and not has(project, "beta")

        index.held.clear()
        index.asked.clear()
        third = set_up(project, TIANJI_PIP_INDEXES=index.url)
        assert third.returncode == 0, third.stderr
        assert index.asked == ["beta"] and has(project, "beta")
    assert not (project / ".venv" / ".tianji-setup" / "downloads").exists()


def test_a_pip_that_the_system_kills_is_said_to_lack_memory(project: Path) -> None:
    with loopback_index("alpha", "beta") as index:
        running, pip = held_up(project, index, "alpha")
        os.kill(pip.pid, signal.SIGKILL)
        _out, said = running.communicate()
    assert running.returncode == 1
    assert "多半是内存不够" in said.splitlines()[-1]


SAID = [
    ("ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device", "磁盘满了"),
    (
        "ERROR: Could not install packages due to an OSError: [Errno 13] Permission denied: "
        "'/srv/studio/.venv/lib/python3.11/site-packages/alpha.py'\nConsider using the `--user` option",
        "没有权限写 /srv/studio/.venv/lib/python3.11/site-packages/alpha.py",
    ),
    (
        "ERROR: Could not install packages due to an OSError: [Errno 30] Read-only file system: '/srv/alpha'",
        "没有权限写 /srv/alpha",
    ),
    (
        "error: externally-managed-environment\n\n× This environment is externally managed",
        "系统自带的 Python",
    ),
    (
        "WARNING: Retrying (Retry(total=0)) after connection broken by 'NewConnectionError(...: [Errno 101] "
        "Network is unreachable')': /simple/alpha/\nERROR: No matching distribution found for alpha==1.0",
        "连不上 https://••••@mirror.example/simple",
    ),
    ("ERROR: No matching distribution found for alpha==1.0", "没有 alpha==1.0"),
    ("ERROR: Failed to build 'alpha'", "pip 没有装成：Failed to build 'alpha'"),
]


@pytest.mark.parametrize(("output", "sentence"), SAID)
def test_what_pip_says_becomes_one_sentence(output: str, sentence: str) -> None:
    error = fault_of(output, 1, "https://me:secret@mirror.example/simple").error
    assert isinstance(error, StudioError)
    assert sentence in str(error) and "secret" not in str(error) and "\n" not in str(error)


@pytest.mark.parametrize(
    ("locale", "word"),
    [
        ("", "不认识"),
        ("C.UTF-8", "不认识"),
        ("POSIX", "不认识"),
        ("zh_CN.UTF-8", "不认识"),
        ("en_US.UTF-8", "is unknown"),
    ],
)
def test_set_up_speaks_chinese_where_the_machine_names_no_language(locale: str, word: str) -> None:
    command = [sys.executable, "-m", "tianji_core.installing", "nothing"]
    variables = {"PATH": os.environ["PATH"], "LANG": locale}
    told = subprocess.run(command, cwd=ROOT, env=variables, capture_output=True, text=True, encoding="utf-8")
    assert told.returncode == 2 and word in told.stderr
