"""Running a program that answers: its output is bounded, and so is the time for it."""

import contextlib
import subprocess
import threading
import time
from typing import IO

LARGEST_ANSWER = 4_000_000
"""Bytes of output, and of errors, beyond which a program is ended."""


def answer_of(
    words: list[str], given: bytes, patience: float, environment: dict[str, str]
) -> tuple[int, str, str]:
    """Runs a program to its end; returns its exit code, output and errors. It is ended with whoever calls.

    Raises:
        subprocess.TimeoutExpired: it took longer than ``patience`` seconds. OverflowError: it wrote more than
            :data:`LARGEST_ANSWER` bytes. Both end it.
    """
    pipe = subprocess.PIPE
    process = subprocess.Popen(words, stdin=pipe, stdout=pipe, stderr=pipe, env=environment, bufsize=0)
    assert process.stdin is not None and process.stdout is not None and process.stderr is not None
    out, err = bytearray(), bytearray()

    def read(stream: IO[bytes], kept: bytearray) -> None:
        with stream:
            while block := stream.read(65536):
                kept += block
                if len(kept) > LARGEST_ANSWER:
                    process.kill()
                    return

    def write(stream: IO[bytes]) -> None:
        left = memoryview(given)
        with contextlib.suppress(BrokenPipeError), stream:
            while left:
                left = left[stream.write(left) :]

    threads = [
        threading.Thread(target=act, args=given_to, daemon=True)
        for act, given_to in (
            (read, (process.stdout, out)),
            (read, (process.stderr, err)),
            (write, (process.stdin,)),
        )
    ]
    end = time.monotonic() + patience
    for thread in threads:
        thread.start()
    try:
        process.wait(patience)
        for thread in threads:
            thread.join(max(0.0, end - time.monotonic()))
        if any(thread.is_alive() for thread in threads):
            raise subprocess.TimeoutExpired(words, patience)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
    if max(len(out), len(err)) > LARGEST_ANSWER:
        raise OverflowError(words[0])
    return process.returncode, out.decode("utf-8", "replace"), err.decode("utf-8", "replace")
