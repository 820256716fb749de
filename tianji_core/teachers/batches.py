"""A provider's interface for batches, through its official SDK: a file of requests is sent, answered within a
day for less than the usual price, and fetched. OpenAI, Bailian and Zhipu share this interface."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from tianji_core.addresses import on_this_machine
from tianji_core.errors import GateError, TeacherError, TeacherRequestError
from tianji_core.gate import (
    RESULT_BYTES,
    bounded_client,
    clean_name,
    read_complaint,
    read_json,
)
from tianji_core.roles import check_may_write
from tianji_core.teachers.completions import not_accepted
from tianji_core.teachers.faults import CONNECT_SECONDS, Endpoint, timed_out, unreachable, unreadable
from tianji_core.teachers.statuses import from_status

WINDOW = "24h"
"""How long a batch may take; the only value that the providers know."""
TAG = "studio"
"""The name of our number in a batch's metadata."""
QUEUE_FULL = "token_limit_exceeded"
"""The code of a batch that failed since more tokens wait at the provider than the account may have there."""
_ENDED = ("completed", "failed", "expired", "cancelled")
_LISTED, _PAGES = 100, 10
FETCH_SECONDS = 600.0


@dataclass(frozen=True)
class BatchState:
    """A batch at its provider. ``status`` is as the interface names it; ``answered`` counts the requests that
    have an answer or an error, of ``total``; ``files`` names those with answers and errors, ``message`` what
    the provider says of a batch that it refused; ``queue_full``: because too much waits there already."""

    status: str
    total: int = 0
    answered: int = 0
    files: tuple[str, ...] = ()
    message: str = ""
    queue_full: bool = False

    @property
    def ended(self) -> bool:
        """Whether nothing more will be answered."""
        return self.status in _ENDED

    @property
    def ended_early(self) -> bool:
        """Whether requests may be left that nobody tried to answer."""
        return self.status in ("expired", "cancelled")


@dataclass(frozen=True)
class BatchLine:
    """What came back for one request: the body of an answer with status 200, or an error. ``unsent`` is True
    where the request was never tried, as in a batch that expired."""

    custom_id: str
    body: bytes = b""
    request_id: str = ""
    error: TeacherError | None = None
    unsent: bool = False


class BatchServer:
    """The batches of one account. Every call blocks and raises a TeacherError of its kind."""

    def __init__(self, client: Any, faults: ModuleType, endpoint: Endpoint, path: str) -> None:
        check_may_write()
        self._client, self._faults = client, faults
        self._endpoint, self._path = endpoint, path

    def upload(self, lines: bytes, tag: str) -> str:
        """Sends a file of requests, one JSON object per line; returns the file's id."""

        def send() -> str:
            name = f"{tag}.jsonl"
            return _id(self._client.files.create(file=(name, lines), purpose="batch"))

        return self._asked(send)

    def start(self, file_id: str, tag: str) -> str:
        """Starts the batch of a file, unless that has been done already; returns the batch's id. Asked again
        after an answer that did not come, it finds the batch that was started."""
        return self.find(file_id, tag) or self._asked(lambda: self._started(file_id, tag))

    def _started(self, file_id: str, tag: str) -> str:
        batch = self._client.batches.create(
            completion_window=WINDOW,
            endpoint=self._path,
            input_file_id=file_id,
            metadata={TAG: tag, "ds_name": tag},
        )
        return _id(batch)

    def find(self, file_id: str, tag: str) -> str:
        """Returns the id of the batch of this file or tag; '' where there is none. Not every provider keeps
        the tag."""

        def search() -> str:
            after: dict[str, str] = {}
            for _number in range(_PAGES):
                page = self._client.batches.list(limit=_LISTED, **after)
                batches = list(getattr(page, "data", None) or ())
                for batch in batches:
                    metadata = getattr(batch, "metadata", None)
                    tagged = isinstance(metadata, dict) and metadata.get(TAG) == tag
                    if tagged or (file_id and getattr(batch, "input_file_id", None) == file_id):
                        return _id(batch)
                if not batches or getattr(page, "has_more", None) is not True:
                    break
                after = {"after": _id(batches[-1])}
            return ""

        return self._asked(search)

    def look(self, batch_id: str) -> BatchState:
        """Returns the state of a batch."""
        return self._asked(lambda: self._state(self._client.batches.retrieve(batch_id)))

    def _state(self, batch: Any) -> BatchState:
        counts = getattr(batch, "request_counts", None)
        files = (getattr(batch, "output_file_id", None), getattr(batch, "error_file_id", None))
        reasons = getattr(getattr(batch, "errors", None), "data", None) or ()
        said = "; ".join(str(getattr(reason, "message", "") or "") for reason in list(reasons)[:3])
        return BatchState(
            status=str(getattr(batch, "status", "")),
            total=_count(counts, "total"),
            answered=_count(counts, "completed") + _count(counts, "failed"),
            files=tuple(clean_name(file) for file in files if file),
            message=self._endpoint.clean(said),
            queue_full=any(getattr(reason, "code", None) == QUEUE_FULL for reason in reasons),
        )

    def lines(self, file_id: str) -> Iterator[BatchLine]:
        """Yields the lines of a file of answers or errors; a line that is no answer to a request of ours is
        left out."""
        content = self._asked(lambda: self._client.files.content(file_id).content, whole=True)
        for line in content.split(b"\n"):
            if line.strip():
                try:
                    value = read_json(line.decode("utf-8", "replace"))
                except GateError:
                    continue  # the request without a line is asked again
                if isinstance(value, dict) and isinstance(value.get("custom_id"), str):
                    yield self._line(value)

    def cancel(self, batch_id: str) -> None:
        """Asks the provider to stop a batch; what was answered until then can still be fetched."""
        self._asked(lambda: self._client.batches.cancel(batch_id))

    def close(self) -> None:
        """Closes the connections."""
        self._client.close()

    def _line(self, value: dict[str, Any]) -> BatchLine:
        custom_id, response = value["custom_id"], value.get("response")
        if not isinstance(response, dict) or not isinstance(response.get("body"), dict):
            given = value.get("error")
            said = given if isinstance(given, dict) else {}
            unsent = said.get("code") in ("batch_expired", "batch_cancelled")
            complaint = read_complaint(json.dumps({"error": said}).encode(), "application/json")
            return BatchLine(custom_id, error=from_status(self._endpoint, 500, complaint, {}), unsent=unsent)
        body = json.dumps(response["body"]).encode()
        status = response.get("status_code")
        if isinstance(status, int) and status >= 400:
            complaint = read_complaint(body, "application/json")
            return BatchLine(custom_id, error=from_status(self._endpoint, status, complaint, {}))
        return BatchLine(custom_id, body, clean_name(response.get("request_id")))

    def _asked(self, ask: Callable[[], Any], whole: bool = False) -> Any:
        """Returns what ``ask`` makes of the SDK's answer; with ``whole`` an answer that the gate refuses is
        not asked for again.

        Raises:
            TeacherError: one of its kinds.
        """
        faults = self._faults
        try:
            return ask()
        except faults.APIStatusError as error:
            headers = dict(error.response.headers)
            complaint = read_complaint(error.response.content, headers.get("content-type", ""))
            raise from_status(self._endpoint, error.status_code, complaint, headers) from None
        except faults.APITimeoutError:
            raise timed_out(self._endpoint) from None
        except faults.APIConnectionError as error:
            if isinstance(error.__cause__, GateError):
                raise self._refused(error.__cause__, whole) from None
            raise unreachable(self._endpoint, error.__cause__ or error) from None
        except GateError as error:
            raise self._refused(error, whole) from None
        except Exception as error:  # a server may send what the SDK trips over
            raise unreadable(self._endpoint, f"{type(error).__name__}: {error}") from None

    def _refused(self, error: GateError, whole: bool) -> TeacherError:
        found = not_accepted(self._endpoint, error)
        return TeacherRequestError(str(found)) if whole else found


def openai_batches(endpoint: Endpoint, path: str) -> BatchServer:
    """Returns the batches of an OpenAI-compatible address."""
    import httpx2
    import openai

    client = openai.OpenAI(
        api_key=endpoint.secret or "none",
        base_url=endpoint.base_url,
        max_retries=0,
        timeout=endpoint.timeout,
        http_client=_fetching(httpx2, endpoint),
    )
    return BatchServer(client, openai, endpoint, path)


def zhipu_batches(endpoint: Endpoint, path: str) -> BatchServer:
    """Returns the batches of a Zhipu account."""
    import httpx
    from zhipuai import ZhipuAI
    from zhipuai.core import _errors

    client = ZhipuAI(
        api_key=endpoint.secret,
        base_url=endpoint.base_url,
        max_retries=0,
        timeout=httpx.Timeout(endpoint.timeout),
        http_client=_fetching(httpx, endpoint),
    )
    return BatchServer(client, _errors, endpoint, path)


def _fetching(library: Any, endpoint: Endpoint) -> Any:
    """A client of ``library`` that takes in whole files of answers."""

    class Fetching(bounded_client(library)):  # type: ignore[misc]
        most = RESULT_BYTES
        seconds = FETCH_SECONDS

    local = on_this_machine(endpoint.base_url)
    timeout = library.Timeout(endpoint.timeout, connect=min(CONNECT_SECONDS, endpoint.timeout))
    return Fetching(timeout=timeout, trust_env=not local)


def _id(made: Any) -> str:
    """The id of a file or a batch.

    Raises:
        ValueError: it has none.
    """
    found = clean_name(getattr(made, "id", None))
    if not found:
        raise ValueError("no id")
    return found


def _count(counts: Any, name: str) -> int:
    value = getattr(counts, name, 0)
    return value if isinstance(value, int) and value > 0 else 0
