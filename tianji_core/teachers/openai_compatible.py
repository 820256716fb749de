"""A teacher behind any OpenAI-compatible endpoint, through the official SDK. :mod:`tianji_core.dispatch`
retries, so the SDK's own retries are off."""

import asyncio
import json
import re
import time
from typing import Any
from urllib.parse import urlsplit

from tianji_core.errors import TeacherError
from tianji_core.recipe import Brief
from tianji_core.teachers.base import Answer, Sampling
from tianji_core.teachers.completions import assembled, read_completion
from tianji_core.teachers.faults import (
    Endpoint,
    from_status,
    timed_out,
    unknown_model,
    unreachable,
    unreadable,
)
from tianji_core.teachers.providers import ModelEntry

CONNECT_SECONDS = 10.0
_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_CHARSET = re.compile(r"charset\s*=\s*\"?([\w-]+)", re.IGNORECASE)


def _decoded(content: bytes, content_type: str) -> str:
    """Returns the text of an answer: UTF-8 as JSON requires, else in the encoding that the server names.

    Raises:
        ValueError: it is neither.
    """
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        if (said := _CHARSET.search(content_type)) is None:
            raise
        try:
            return content.decode(said[1])
        except LookupError:
            raise ValueError(said[1]) from None


class OpenAICompatible:
    """One model at an OpenAI-compatible address; concurrent calls in one event loop are safe."""

    def __init__(self, endpoint: Endpoint, entry: ModelEntry, max_tokens_field: str = "max_tokens") -> None:
        import httpx2
        from openai import AsyncOpenAI, DefaultAsyncHttpx2Client

        self.name = f"{endpoint.title} · {endpoint.model}"
        self._endpoint = endpoint
        self._entry = entry
        self._max_tokens_field = max_tokens_field
        self._raw = httpx2.Response
        limits = httpx2.Limits(max_connections=None, max_keepalive_connections=None)
        timeout = httpx2.Timeout(endpoint.timeout, connect=min(CONNECT_SECONDS, endpoint.timeout))
        # Requests to a server on this machine must not go through a proxy for the internet.
        local = urlsplit(endpoint.base_url).hostname in _LOOPBACK
        self._client = AsyncOpenAI(
            api_key=endpoint.secret or "none",
            base_url=endpoint.base_url,
            max_retries=0,
            timeout=timeout,
            http_client=DefaultAsyncHttpx2Client(limits=limits, timeout=timeout, trust_env=not local),
        )

    async def answer(self, brief: Brief, sampling: Sampling) -> Answer:
        """Returns one completion of the brief's prompt.

        Raises:
            TeacherError: one of its kinds.
        """
        return await self.complete(brief.prompt, sampling)

    async def complete(self, prompt: str, sampling: Sampling) -> Answer:
        """Returns one completion of ``prompt``. Sampling parameters are request fields, never part of the
        message."""
        import openai

        started = time.monotonic()
        try:
            async with asyncio.timeout(self._endpoint.timeout):
                # chat.completions.create validates every type of the API first: a fifth of the whole time.
                response = await self._client.post(
                    "/chat/completions", cast_to=self._raw, body=self._body(prompt, sampling)
                )
        except openai.APIStatusError as error:
            raise await self._status_error(error) from None
        except (openai.APITimeoutError, TimeoutError):
            raise timed_out(self._endpoint) from None
        except openai.APIConnectionError as error:
            raise unreachable(self._endpoint, error.__cause__ or error) from None
        latency = time.monotonic() - started
        # The SDK accepts answers that are not completions, so the body is read here.
        try:
            said = _decoded(response.content, response.headers.get("content-type", ""))
            body = assembled(said) if said.startswith("data:") else json.loads(said)
        except ValueError:
            raise unreadable(self._endpoint, response.content.decode("utf-8", "replace")) from None
        return read_completion(self._endpoint, body, latency, response.headers.get("x-request-id", ""))

    def _body(self, prompt: str, sampling: Sampling) -> dict[str, Any]:
        given = {
            "model": self._endpoint.model,
            "messages": [{"role": "user", "content": prompt}],
            "temperature": sampling.temperature,
            "top_p": sampling.top_p,
            self._max_tokens_field: sampling.max_tokens,
            "seed": sampling.seed,
        }
        return {name: value for name, value in given.items() if value is not None} | self._entry.body

    async def _status_error(self, error: Any) -> TeacherError:
        status, headers = error.status_code, dict(error.response.headers)
        known = await self._models_or_none() if status == 404 else None
        return from_status(self._endpoint, status, error.response.text, headers, known)

    async def models(self) -> list[str]:
        """Returns the models that the server lists; [] where it has no such list.

        Raises:
            TeacherError: it cannot be reached or refuses the key.
        """
        import openai

        try:
            async with asyncio.timeout(self._endpoint.timeout):
                response = await self._client.models.with_raw_response.list()
            entries = json.loads(response.content).get("data")
        except openai.APIStatusError as error:
            if error.status_code in (404, 405) or error.status_code >= 500:
                return []  # no list, or a broken one; the model may answer all the same
            raise from_status(
                self._endpoint, error.status_code, error.response.text, dict(error.response.headers)
            ) from None
        except (openai.APITimeoutError, TimeoutError):
            raise timed_out(self._endpoint) from None
        except openai.APIConnectionError as error:
            raise unreachable(self._endpoint, error.__cause__ or error) from None
        except (ValueError, AttributeError):
            raise unreadable(self._endpoint, response.text) from None
        return [
            entry["id"]
            for entry in entries or []
            if isinstance(entry, dict) and isinstance(entry.get("id"), str)
        ]

    async def _models_or_none(self) -> list[str] | None:
        try:
            return await self.models()
        except TeacherError:
            return None

    async def check(self) -> list[str]:
        """Checks key, address and model; returns the models that the server lists.

        Raises:
            TeacherError: what is wrong.
        """
        listed = await self.models()
        if listed and self._endpoint.model not in listed:
            raise unknown_model(self._endpoint, "", listed)
        if not listed:
            await self.complete("你好", Sampling(max_tokens=16))
        return listed

    async def aclose(self) -> None:
        """Closes the connections."""
        await self._client.close()
