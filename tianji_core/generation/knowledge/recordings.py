"""Recordings among the documents: a server that a person chose writes down what is said, which then goes the
way of a chat: numbers and addresses are replaced, and the file gets a made name.

What was written down is kept for a while in ``drafts/transcripts/<key>.json`` of the workspace, so that
nobody sends or pays for a recording twice.
"""

import asyncio
import hashlib
import json
import re
import time
from pathlib import Path, PurePath

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type, stop_after_attempt

from tianji_core import ownership
from tianji_core.errors import (
    InputError,
    TeacherAuthError,
    TeacherError,
    TeacherRateLimitError,
    TeacherUnreachableError,
)
from tianji_core.files import write_json
from tianji_core.generation.knowledge.documents import Document, check_size, is_recording
from tianji_core.generation.knowledge.people import People
from tianji_core.i18n import _
from tianji_core.teachers import TeacherChoice, make_transcriber, transcription_server
from tianji_core.workspace import Workspace

REQUEST_SECONDS = 600.0
"""Seconds for one recording: an hour of speech takes a server on a processor several minutes."""
ATTEMPTS, FIRST_WAIT, LONGEST_WAIT = 3, 2.0, 60.0
"""Requests per recording, and the seconds between them."""
_KEPT = 30 * 86_400
"""Seconds for which a transcript is kept."""
_MARK = re.compile(r"<\|[^<>|]{0,40}\|>")
"""The marks of language, mood and event that some models put between the words."""


def transcribe(workspace: Workspace, choice: TeacherChoice, name: str, data: bytes) -> Document:
    """Returns what is said in a recording. The whole file is sent to the server of ``choice``, without its
    name, unless that server's model has written it down before.

    Raises:
        InputError: it is no recording, is empty or too large, or the server refuses it or hears nothing.
        TeacherAuthError, TeacherUnreachableError: other recordings would fail alike.
        SettingsError: the choice is not usable.
    """
    if not is_recording(name):
        raise InputError(_("{file} 不是录音", file=name))
    check_size(name, data)
    if not data:
        raise InputError(_("{file} 是空的", file=name))
    suffix, sha256 = PurePath(name).suffix.lower(), hashlib.sha256(data).hexdigest()
    kept = _kept_at(workspace, choice, sha256)
    text = _kept(kept)
    if not text:
        try:
            heard = asyncio.run(_asked(workspace, choice, suffix, data))
        except (TeacherAuthError, TeacherUnreachableError):
            raise
        except TeacherError as error:
            raise InputError(_("{file}：{reason}", file=name, reason=error)) from error
        text = People().without(_MARK.sub("", heard)).strip()
        if not text:
            raise InputError(_("{file} 里没有听出话来", file=name))
        _forget_old(kept.parent)
        write_json(kept, {"text": text}, indent=None)
    return Document(f"录音-{sha256[:6]}{suffix}", sha256, text)


async def _asked(workspace: Workspace, choice: TeacherChoice, suffix: str, data: bytes) -> str:
    """Asks the server, again where it cannot be reached, breaks off or asks to wait. Not after an answer
    that is of no use: the next would cost as much and say the same."""
    transcriber = make_transcriber(workspace, choice)
    retrying = AsyncRetrying(
        stop=stop_after_attempt(ATTEMPTS),
        wait=_wait,
        retry=retry_if_exception_type((TeacherUnreachableError, TeacherRateLimitError)),
        reraise=True,
    )
    try:
        return await retrying(transcriber.transcribe, data, suffix)
    finally:
        await transcriber.aclose()


def _wait(state: RetryCallState) -> float:
    """Returns the seconds until the next request; a wait that the server asks for goes first."""
    error = state.outcome.exception() if state.outcome is not None else None
    if isinstance(error, TeacherRateLimitError | TeacherUnreachableError) and error.retry_after is not None:
        return min(error.retry_after, LONGEST_WAIT)
    return min(FIRST_WAIT * 2.0 ** (state.attempt_number - 1), LONGEST_WAIT)


def _kept_at(workspace: Workspace, choice: TeacherChoice, sha256: str) -> Path:
    server = transcription_server(workspace, choice)
    key = hashlib.sha256(json.dumps([sha256, server.base_url, server.model]).encode()).hexdigest()
    return workspace.home / "drafts" / "transcripts" / f"{key}.json"


def _kept(path: Path) -> str:
    """Returns the transcript in a file, '' where there is none."""
    try:
        text = json.loads(path.read_bytes())["text"]
    except (OSError, ValueError, KeyError, TypeError):
        return ""
    return text if isinstance(text, str) else ""


def _forget_old(folder: Path) -> None:
    oldest = time.time() - _KEPT
    for path in folder.glob("*.json"):
        try:
            old = path.stat().st_mtime < oldest
        except OSError:
            continue  # another job has removed it
        if old:
            ownership.discard(path)
