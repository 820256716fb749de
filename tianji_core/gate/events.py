"""Event streams by the standard (https://html.spec.whatwg.org/multipage/server-sent-events.html), bounded."""

import time
from collections.abc import Iterable, Iterator

from tianji_core.errors import GateError
from tianji_core.gate.limits import EVENT_BYTES
from tianji_core.i18n import _

END = "[DONE]"
_BOM = b"\xef\xbb\xbf"
_LINES = ("application/x-ndjson", "application/ndjson", "application/jsonl", "application/json-lines")


def is_event_stream(content: bytes, content_type: str) -> bool:
    """Whether a body is an event stream; some servers stream whether they are asked to or not, and some call
    a whole answer a stream."""
    if content[:200].removeprefix(_BOM).lstrip()[:1] == b"{":
        return False
    if content_type.partition(";")[0].strip().lower() == "text/event-stream":
        return True
    return content[:200].removeprefix(_BOM).lstrip().startswith((b"data:", b"event:", b":"))


def is_json_lines(content: bytes, content_type: str) -> bool:
    """Whether a body is a stream of objects, one on each line, as Ollama's own interface sends it."""
    if content_type.partition(";")[0].strip().lower() in _LINES:
        return True
    first, _end, rest = content.removeprefix(_BOM).lstrip().partition(b"\n")
    return first.startswith(b"{") and first.rstrip().endswith(b"}") and rest.lstrip().startswith(b"{")


def events(chunks: Iterable[bytes], silence: float = float("inf")) -> Iterator[str]:
    """Yields the data of each event, ``[DONE]`` included; comments and empty events are passed over.
    ``silence`` is the longest time in seconds without an event: comments keep a connection open for ever.

    Raises:
        GateError: an event is too large, or none came for too long.
    """
    import httpx
    from httpx_sse import EventSource

    watched = _Watched(chunks, silence)
    source = httpx.Response(200, headers={"content-type": "text/event-stream"}, content=watched)
    for event in EventSource(source).iter_sse():
        if event.data.strip():
            watched.heard()
            yield event.data


class _Watched:
    """The chunks of a stream with an end of the last event, which servers forget, and without a byte order
    mark."""

    def __init__(self, chunks: Iterable[bytes], silence: float) -> None:
        self._chunks = chunks
        self._silence = silence
        self.heard()

    def heard(self) -> None:
        """Counts from here to the next event."""
        self._bytes, self._since = 0, time.monotonic()

    def __iter__(self) -> Iterator[bytes]:
        first = True
        for chunk in self._chunks:
            self._bytes += len(chunk)
            if self._bytes > EVENT_BYTES:
                raise GateError(_("一条流式消息超过 {kb} KB，没有再读", kb=EVENT_BYTES // 1024))
            if time.monotonic() - self._since > self._silence:
                raise GateError(_("{seconds:.0f} 秒没有新的内容", seconds=self._silence))
            yield chunk.removeprefix(_BOM) if first else chunk
            first = False
        yield b"\n\n"
