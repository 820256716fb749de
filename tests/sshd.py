"""An SSH server on loopback for tests: one process with its own host key, for the user of the tests in
another home folder."""

import contextlib
import getpass
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

from tests.processes import free_port, until

SSHD = shutil.which("sshd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
MISSING = [
    name
    for name, found in (
        ("sshd", SSHD),
        *((each, shutil.which(each)) for each in ("ssh", "sftp", "ssh-keygen")),
    )
    if found is None
]
_CONFIG = """Port {port}
ListenAddress 127.0.0.1
HostKey {folder}/host_key
PidFile none
AuthorizedKeysFile {folder}/key.pub
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM no
StrictModes no
PermitRootLogin prohibit-password
MaxStartups 100
Subsystem sftp {sftp}
ForceCommand {folder}/shell
"""
_SHELL = """#!/bin/sh
{variables}
export HOME={home}
cd "$HOME" && exec /bin/sh -c "$SSH_ORIGINAL_COMMAND"
"""


@dataclass
class Server:
    """``home`` is the home folder there, ``key`` the private key that opens it."""

    port: int
    home: Path
    key: Path
    folder: Path
    process: "subprocess.Popen[bytes]"
    user: str = getpass.getuser()

    def cut(self) -> None:
        """Ends every connection at once; what runs there goes on."""
        for process in psutil.Process(self.process.pid).children(recursive=True):
            with contextlib.suppress(psutil.Error):
                if process.name().startswith("sshd"):  # a newer one's connections are sshd-session
                    process.kill()

    def stop(self) -> None:
        """Ends the server and every connection; one that has ended already is left as it is."""
        if self.process.poll() is None:
            self.cut()
            self.process.terminate()
            self.process.wait(20)


def new_key(path: Path) -> None:
    """Writes a key pair."""
    path.unlink(missing_ok=True)
    path.with_suffix(".pub").unlink(missing_ok=True)
    command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(path)]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)


@contextlib.contextmanager
def ssh_server(folder: Path, variables: dict[str, str] | None = None) -> Iterator[Server]:
    """Starts a server in ``folder`` and ends it; ``variables`` are those of the commands there."""
    folder.mkdir()
    home = folder / "home"
    home.mkdir()
    for name in ("host_key", "key"):
        new_key(folder / name)
    sftp = next(
        path
        for path in ("/usr/lib/openssh/sftp-server", "/usr/libexec/openssh/sftp-server", "internal-sftp")
        if path == "internal-sftp" or Path(path).exists()
    )
    port = free_port()
    (folder / "config").write_text(_CONFIG.format(port=port, folder=folder, sftp=sftp))
    lines = "\n".join(f"export {name}='{value}'" for name, value in (variables or {}).items())
    (folder / "shell").write_text(_SHELL.format(home=home, variables=lines))
    (folder / "shell").chmod(0o755)
    if os.getuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    process = started(folder)
    server = Server(port, home, folder / "key", folder, process)
    try:
        yield server
    finally:
        server.stop()


def started(folder: Path) -> "subprocess.Popen[bytes]":
    """Starts the server of a folder and waits until it answers."""
    assert SSHD is not None
    with (folder / "log").open("ab") as log:
        begun = log.tell()
        process = subprocess.Popen(
            [SSHD, "-D", "-e", "-f", str(folder / "config")],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )

    def answers() -> bool:
        return b"Server listening" in (folder / "log").read_bytes()[begun:] or process.poll() is not None

    until(answers, 60)
    assert process.poll() is None, (folder / "log").read_text()
    return process
