"""Waiting for what other processes do, a port for one of them, and what something left behind."""

import contextlib
import secrets
import socket
import time
from collections.abc import Callable

import psutil


def until(condition: Callable[[], object], seconds: float = 60) -> None:
    """Wait for something that another process does."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.1)


def free_port() -> int:
    """A port on which nothing listens, of those that the system gives to no client: a browser that asks for
    a server before it listens, or while it starts again, may be given the very port that it asks for."""
    while True:
        port = 20_000 + secrets.randbelow(12_000)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def listens(port: int) -> bool:
    """Whether something answers at this port."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def free_ports(count: int) -> list[int]:
    """As :func:`free_port`, for servers that listen beside each other."""
    ports: set[int] = set()
    while len(ports) < count:
        ports.add(free_port())
    return list(ports)


def processes_naming(text: str) -> list[list[str]]:
    """The command lines of living processes in which a text stands."""
    found = []
    for process in psutil.process_iter(["cmdline", "status"]):
        command = process.info["cmdline"] or []
        if process.info["status"] != psutil.STATUS_ZOMBIE and any(text in part for part in command):
            found.append(command)
    return found


def left_behind(text: str, seconds: float = 15) -> list[list[str]]:
    """As :func:`processes_naming`, for what is still there after ``seconds``: a supervisor ends a moment
    after it has written down that its job has."""
    deadline = time.monotonic() + seconds
    while (found := processes_naming(text)) and time.monotonic() < deadline:
        time.sleep(0.1)
    return found
