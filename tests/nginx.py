"""nginx on this machine, for the files of the documentation that set it up."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

NGINX = shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/bin")
needs_nginx = pytest.mark.skipif(NGINX is None, reason="nginx is not installed (apt-get install nginx-light)")


@contextmanager
def nginx(folder: Path, server: str, log: str = "off") -> Iterator["subprocess.Popen[bytes]"]:
    """Runs nginx with this text in its http block, and ``log`` for what is asked."""
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    places = "\n".join(f"{kind}_temp_path {folder}/{kind};" for kind in kinds)
    config = folder / "nginx.conf"
    who = "user root;" if os.getuid() == 0 else ""
    config.write_text(
        f"{who}\npid {folder}/pid;\ndaemon off;\nerror_log {folder}/error.log;\nevents {{}}\n"
        f"http {{\naccess_log {log};\n{places}\n{server}\n}}\n",
        encoding="utf-8",
    )
    process = subprocess.Popen([str(NGINX), "-c", str(config), "-e", f"{folder}/error.log"])
    try:
        yield process
    finally:
        process.terminate()
        process.wait(30)
