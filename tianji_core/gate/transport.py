"""HTTP clients for the SDKs that take in no more than the gate allows: a body is decompressed and counted as
it arrives, the body of an error is cut off, and a request is never sent on to another host."""

import time
import zlib
from collections.abc import AsyncIterator, Iterator
from functools import lru_cache
from typing import Any

from tianji_core.errors import GateError, RedirectError
from tianji_core.gate.limits import BODY_BYTES, ERROR_BYTES, MIB, STREAM_BYTES
from tianji_core.gate.proxies import named_proxies
from tianji_core.gate.structure import charset_of
from tianji_core.gate.text import clean_sentence
from tianji_core.i18n import _

ACCEPTED = "gzip, deflate"
PIECE_BYTES = 64 * 1024
_REDIRECTS = 3
_SENT_AGAIN = (307, 308)
"""Redirects after which a POST stays a POST. What comes back after another one answers a question never
asked."""


@lru_cache(maxsize=8)
def bounded_client(library: Any) -> type[Any]:
    """Returns the synchronous client of ``library`` (httpx or httpx2) with the limits of the gate.

    Its requests raise GateError: the body is too large or too slow, or its compression is broken or unknown.
    RedirectError: the server sends the request to another address. Making the client raises SettingsError
    where it cannot use the proxy that the environment names. A subclass may set ``seconds``, the longest time
    for a whole body, and ``most``, its bytes.
    """

    class Stream(library.SyncByteStream):
        def __init__(self, source: Any, body: "_Body") -> None:
            self._source, self._body = source, body

        def __iter__(self) -> Iterator[bytes]:
            for chunk in self._source:
                yield from self._body.read(chunk)
                if self._body.full:
                    return
            self._body.end()

        def close(self) -> None:
            self._source.close()

    class Bounded(library.Client):
        seconds = float("inf")
        most = BODY_BYTES

        def __init__(self, **options: Any) -> None:
            with named_proxies(options.get("trust_env", True)):
                super().__init__(**options)

        def send(self, request: Any, *, stream: bool = False, **options: Any) -> Any:
            request.headers["accept-encoding"] = ACCEPTED
            options["follow_redirects"] = False
            response = super().send(request, stream=True, **options)
            for _number in range(_REDIRECTS):
                if not response.has_redirect_location:
                    break
                response.close()
                response = super().send(_sent_on(response), stream=True, **options)
            try:
                _refuse_redirect(response)
                response.stream = Stream(response.stream, _Body(response, stream, self.seconds, self.most))
                if not stream:
                    response.read()
            except BaseException:
                response.close()
                raise
            return response

    return Bounded


@lru_cache(maxsize=8)
def bounded_async_client(library: Any) -> type[Any]:
    """Returns the asynchronous client of ``library`` with the limits of :func:`bounded_client`."""

    class Stream(library.AsyncByteStream):
        def __init__(self, source: Any, body: "_Body") -> None:
            self._source, self._body = source, body

        async def __aiter__(self) -> AsyncIterator[bytes]:
            async for chunk in self._source:
                for piece in self._body.read(chunk):
                    yield piece
                if self._body.full:
                    return
            self._body.end()

        async def aclose(self) -> None:
            await self._source.aclose()

    class Bounded(library.AsyncClient):
        def __init__(self, **options: Any) -> None:
            with named_proxies(options.get("trust_env", True)):
                super().__init__(**options)

        async def send(self, request: Any, *, stream: bool = False, **options: Any) -> Any:
            request.headers["accept-encoding"] = ACCEPTED
            options["follow_redirects"] = False
            response = await super().send(request, stream=True, **options)
            for _number in range(_REDIRECTS):
                if not response.has_redirect_location:
                    break
                await response.aclose()
                response = await super().send(_sent_on(response), stream=True, **options)
            try:
                _refuse_redirect(response)
                response.stream = Stream(response.stream, _Body(response, stream, float("inf")))
                if not stream:
                    await response.aread()
            except BaseException:
                await response.aclose()
                raise
            return response

    return Bounded


def _sent_on(response: Any) -> Any:
    """The request to send after a redirect within one host.

    Raises:
        RedirectError: it leads elsewhere, or would change the question.
    """
    asked, wanted = response.request.url, response.next_request
    if wanted is None or response.status_code not in _SENT_AGAIN or not _same_server(asked, wanted.url):
        raise _redirect(response.headers.get("location", ""))
    return wanted


def _same_server(asked: Any, wanted: Any) -> bool:
    """Whether two addresses lead to one server; the step from http to https on the usual ports stays
    there."""
    if asked.host != wanted.host:
        return False
    if (asked.scheme, asked.port) == (wanted.scheme, wanted.port):
        return True
    return (asked.scheme, wanted.scheme, asked.port, wanted.port) == ("http", "https", None, None)


def _refuse_redirect(response: Any) -> None:
    if 300 <= response.status_code < 400:
        raise _redirect(response.headers.get("location", ""))


def _redirect(location: str) -> RedirectError:
    return RedirectError(
        _(
            "它要把请求转到另一个地址（{url}），没有跟过去；如果那里才对，请把接口地址改成它",
            url=clean_sentence(location) or "—",
        )
    )


class _Body:
    """Decompresses and counts one body. ``full`` is set once the allowed part of an error has been read."""

    def __init__(self, response: Any, stream: bool, seconds: float, most: int = BODY_BYTES) -> None:
        self._deadline = time.monotonic() + seconds
        self._error = response.status_code >= 400
        self._limit = ERROR_BYTES if self._error else STREAM_BYTES if stream else most
        self._count = 0
        self.full = False
        encoding = response.headers.pop("content-encoding", "identity").strip().lower()
        self._inflating = None if encoding in ("", "identity") else _Inflating(encoding)
        response.headers.pop("content-length", None)
        kind = response.headers.get("content-type", "")
        if charset_of(kind) is None:  # Python knows encodings that are none of text; the SDK would try them
            response.headers["content-type"] = kind.partition(";")[0]

    def read(self, chunk: bytes) -> Iterator[bytes]:
        """Yields the plain bytes of a chunk in pieces.

        Raises:
            GateError: the body is too large or too slow, or is not what its header says.
        """
        if time.monotonic() > self._deadline:
            raise GateError(_("来得太慢，没有再读"))
        for piece in self._inflating.read(chunk) if self._inflating is not None else _sliced(chunk):
            self._count += len(piece)
            if self._count <= self._limit:
                yield piece
                continue
            if not self._error:
                raise GateError(_("超过 {mb:g} MB，没有再读", mb=self._limit / MIB))
            self.full = True
            yield piece[: len(piece) - (self._count - self._limit)]
            return

    def end(self) -> None:
        """Raises:
        GateError: the compressed body breaks off."""
        if self._inflating is not None and self._count and not self._error:
            self._inflating.end()


class _Inflating:
    """Decompresses gzip and deflate without ever holding more than a piece."""

    def __init__(self, encoding: str) -> None:
        if encoding not in ("gzip", "x-gzip", "deflate"):
            raise GateError(_("用了不支持的压缩方式 {name}", name=clean_sentence(encoding)))
        self._deflate = encoding == "deflate"
        self._inflater = zlib.decompressobj(zlib.MAX_WBITS if self._deflate else 16 + zlib.MAX_WBITS)
        self._begun = False

    def read(self, chunk: bytes) -> Iterator[bytes]:
        """Yields the plain bytes in pieces."""
        while chunk and not self._inflater.eof:
            try:
                piece = self._inflater.decompress(chunk, PIECE_BYTES)
            except zlib.error:
                if not self._deflate or self._begun:
                    raise self._broken() from None
                # Some servers send deflate without the header of zlib.
                self._inflater, self._begun = zlib.decompressobj(-zlib.MAX_WBITS), True
                continue
            self._begun = True
            chunk = self._inflater.unconsumed_tail
            if piece:
                yield piece

    def end(self) -> None:
        """Raises:
        GateError: more should have come."""
        if not self._inflater.eof:
            raise self._broken()

    @staticmethod
    def _broken() -> GateError:
        return GateError(_("压缩的数据是坏的，或者没有传完"))


def _sliced(chunk: bytes) -> Iterator[bytes]:
    for start in range(0, len(chunk), PIECE_BYTES):
        yield chunk[start : start + PIECE_BYTES]
