"""A Slurm of two nodes on this machine, for tests: each daemon a child of the test, all in one folder."""

import contextlib
import getpass
import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.processes import free_ports, until

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch")
SEARCHED = f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin"
"""Debian puts the daemons where an ordinary person's PATH does not lead."""
MISSING = [name for name in PROGRAMS if shutil.which(name, path=SEARCHED) is None]
ENDED = ("COMPLETED", "FAILED", "CANCELLED", "TIMEOUT", "NODE_FAIL", "OUT_OF_MEMORY")
_CONFIG = """ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={control}
AuthType=auth/munge
AuthInfo=socket={home}/munge/socket
CredType=cred/munge
SlurmUser={user}
SlurmdUser={user}
StateSaveLocation={home}/state
SlurmctldPidFile={home}/state/pid
SlurmdSpoolDir={home}/%n
SlurmdPidFile={home}/%n/pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
MpiDefault=none
ReturnToService=2
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SlurmdParameters=config_overrides
SchedulerParameters=sched_interval=1,sched_min_interval=0,batch_sched_delay=0,bf_interval=1
KillWait=2
MessageTimeout=10
GresTypes=gpu
NodeName={host} NodeHostname={host} NodeAddr=127.0.0.1 Port={first} CPUs=8
NodeName={host}-2 NodeHostname={host} NodeAddr=127.0.0.1 Port={second} CPUs=8
PartitionName=main Nodes={host},{host}-2 Default=YES MaxTime=60 State=UP
"""
"""Jobs meet at the first node by its name, which must resolve, and nodes are sorted by name."""


class Cluster:
    """``environment`` is that of its client programs; ``state`` the folder in which the controller keeps
    what it knows of the jobs."""

    def __init__(self, home: Path, environment: dict[str, str]) -> None:
        self.environment = environment
        self.state = home / "state"

    def ask(self, *command: str) -> str:
        """Runs a client program and returns what it prints."""
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def submit(self, script: Path) -> int:
        """Submits a script and returns the job's number."""
        return int(self.ask("sbatch", "--parsable", str(script)).partition(";")[0])

    def job_state(self, job: int) -> str:
        """Returns the state of a job, such as RUNNING."""
        return self.ask("squeue", "-h", "-t", "all", "-j", str(job), "-o", "%T")

    def wait(self, job: int, seconds: float) -> str:
        """Waits for the end of a job and returns how it ended."""
        until(lambda: self.job_state(job) in ENDED, seconds)
        return self.job_state(job)


@contextlib.contextmanager
def slurm_cluster() -> Iterator[Cluster]:
    """Starts the cluster and ends it with all its jobs."""
    host = socket.gethostname().partition(".")[0]
    home = Path(
        tempfile.mkdtemp(prefix="slurm", dir="/tmp")
    )  # the path of a socket has at most 107 characters
    for name in ("munge", "state", host, f"{host}-2"):
        (home / name).mkdir()
    home.chmod(0o711)
    (home / "munge").chmod(0o711)
    key = home / "munge" / "key"
    key.touch(0o600)
    key.write_bytes(os.urandom(128))
    control, first, second = free_ports(3)
    config = home / "slurm.conf"
    values = {"host": host, "home": home, "user": getpass.getuser()}
    config.write_text(_CONFIG.format(**values, control=control, first=first, second=second))
    environment = {**os.environ, "PATH": SEARCHED, "SLURM_CONF": str(config)}
    munge = home / "munge"
    files = [f"--{what}-file={munge / what}" for what in ("pid", "log", "seed")]
    daemons = [
        ["munged", "-F", "-f", f"--key-file={key}", f"--socket={munge / 'socket'}", *files],
        ["slurmctld", "-D", "-c", "-f", str(config)],
        *(["slurmd", "-D", "-f", str(config), "-N", node] for node in (host, f"{host}-2")),
    ]
    with contextlib.ExitStack() as stack:
        stack.callback(shutil.rmtree, home, ignore_errors=True)
        cluster = Cluster(home, environment)
        for number, command in enumerate(daemons):
            log = stack.enter_context((home / f"daemon-{number}.log").open("wb"))
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment
            )
            stack.callback(_end, process)
            if number == 0:
                until((munge / "socket").exists, 60)
        stack.callback(_end_jobs, cluster)
        until(lambda: len(_idle(cluster)) == 2, 120)
        yield cluster


def _idle(cluster: Cluster) -> list[str]:
    command = ["sinfo", "-h", "-N", "-t", "idle"]
    return subprocess.run(
        command, env=cluster.environment, capture_output=True, text=True
    ).stdout.splitlines()


def _end_jobs(cluster: Cluster) -> None:
    command = ["scancel", "-u", getpass.getuser()]
    subprocess.run(command, env=cluster.environment, capture_output=True)
    until(lambda: not cluster.ask("squeue", "-h"), 60)


def _end(process: "subprocess.Popen[bytes]") -> None:
    process.terminate()
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
