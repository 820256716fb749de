"""A teacher behind any OpenAI-compatible endpoint, through the official SDK. :mod:`tianji_core.dispatch`
retries, so the SDK's own retries are off."""

import asyncio
import time
from collections.abc import Awaitable, Sequence
from typing import Any

from tianji_core.addresses import on_this_machine
from tianji_core.errors import (
    GateError,
    TeacherError,
    TeacherRequestError,
    TeacherThoughtOnlyError,
)
from tianji_core.gate import bounded_async_client, decoded, read_complaint, read_json, read_models
from tianji_core.recipe import Brief
from tianji_core.roles import check_may_write
from tianji_core.teachers.base import Answer, Sampling
from tianji_core.teachers.batch_requests import BatchRequests
from tianji_core.teachers.completions import not_accepted, read_answer, read_words
from tianji_core.teachers.faults import (
    CONNECT_SECONDS,
    Endpoint,
    timed_out,
    unknown_model,
    unreachable,
    unreadable,
)
from tianji_core.teachers.kinds import meaning_of
from tianji_core.teachers.providers import ModelEntry, same_model
from tianji_core.teachers.request import messages, with_own_fields
from tianji_core.teachers.statuses import from_status
from tianji_core.teachers.text_form import FormRequest


class OpenAICompatible(BatchRequests):
    """One model at an OpenAI-compatible address; concurrent calls in one event loop are safe."""

    def __init__(self, endpoint: Endpoint, entry: ModelEntry, max_tokens_field: str = "max_tokens") -> None:
        import httpx2
        from openai import AsyncOpenAI

        check_may_write()
        self.name = f"{endpoint.title} · {endpoint.model}"
        self._endpoint = endpoint
        self._entry = entry
        self._form = FormRequest(entry.response_format)
        self._max_tokens_field = max_tokens_field
        self._raw = httpx2.Response
        bounded = bounded_async_client(httpx2)
        limits = httpx2.Limits(max_connections=None, max_keepalive_connections=None)
        timeout = httpx2.Timeout(endpoint.timeout, connect=min(CONNECT_SECONDS, endpoint.timeout))
        # Requests to a server on this machine must not go through a proxy for the internet.
        local = on_this_machine(endpoint.base_url)
        self._client = AsyncOpenAI(
            api_key=endpoint.secret or "none",
            base_url=endpoint.base_url,
            max_retries=0,
            timeout=timeout,
            http_client=bounded(limits=limits, timeout=timeout, trust_env=not local),
        )

    async def answer(self, brief: Brief, sampling: Sampling) -> Answer:
        """Returns one completion of the brief's prompt.

        Raises:
            TeacherError: one of its kinds.
        """
        return await self._form.answer(
            brief.prompt,
            lambda prompt, fields: self._complete(self._body(prompt, sampling, brief.system) | fields),
        )

    async def complete(
        self, prompt: str, sampling: Sampling, system: str = "", history: Sequence[tuple[str, str]] = ()
    ) -> Answer:
        """Returns one completion of ``prompt`` after the earlier turns in ``history``, with ``system`` as the
        system message where it is not ''. Sampling parameters are request fields, never part of a message."""
        return await self._complete(self._body(prompt, sampling, system, history))

    async def _complete(self, body: dict[str, Any]) -> Answer:
        import openai

        started = time.monotonic()
        try:
            # Not chat.completions.create: it goes through every type of the API first, a fifth of the work.
            response = await self._sent(self._client.post("/chat/completions", cast_to=self._raw, body=body))
        except openai.APIStatusError as error:
            raise await self._refused(error) from None
        latency = time.monotonic() - started
        # The body is read here and not by the SDK, which accepts answers that are not completions at all.
        kind, request_id = (response.headers.get(name, "") for name in ("content-type", "x-request-id"))
        return read_answer(self._endpoint, response.content, kind, latency, request_id)

    async def transcribe(self, audio: bytes, suffix: str) -> str:
        """Returns the words of a recording, a whole file whose name would end in ``suffix``, such as
        '.mp3'; its own name is not sent.

        Raises:
            TeacherError: one of its kinds.
        """
        import openai

        transcriptions = self._client.audio.transcriptions.with_raw_response
        request = transcriptions.create(
            file=(f"recording{suffix}", audio), model=self._endpoint.model, response_format="json"
        )
        try:
            response = (await self._sent(request)).http_response
        except openai.APIStatusError as error:
            raise self._status_error(error) from None
        return read_words(self._endpoint, response.content, response.headers.get("content-type", ""))

    async def _sent(self, request: Awaitable[Any]) -> Any:
        """Returns the response to a request.

        Raises:
            openai.APIStatusError: it has an error status. TeacherError: there is none.
        """
        import openai

        try:
            async with asyncio.timeout(self._endpoint.timeout):
                return await request
        except openai.APIStatusError:
            raise
        except (openai.APITimeoutError, TimeoutError):
            raise timed_out(self._endpoint) from None
        except openai.APIConnectionError as error:
            raise unreachable(self._endpoint, error.__cause__ or error) from None
        except GateError as error:
            raise not_accepted(self._endpoint, error) from None
        except Exception as error:  # a server may send what the SDK trips over
            raise unreadable(self._endpoint, f"{type(error).__name__}: {error}") from None

    def _body(
        self, prompt: str, sampling: Sampling, system: str = "", history: Sequence[tuple[str, str]] = ()
    ) -> dict[str, Any]:
        given = {
            "model": self._endpoint.model,
            "messages": messages(prompt, system, history),
            "temperature": sampling.temperature,
            "top_p": sampling.top_p,
            self._max_tokens_field: sampling.max_tokens,
            "seed": sampling.seed,
        }
        return with_own_fields(given, self._entry)

    async def _refused(self, error: Any) -> TeacherError:
        """Returns the error for the status of a completion; one about the model names those there are."""
        headers = error.response.headers
        complaint = read_complaint(error.response.content, headers.get("content-type", ""))
        unknown = error.status_code == 404 or meaning_of(complaint) == "model"
        return self._status_error(error, await self._models_or_none() if unknown else None)

    def _status_error(self, error: Any, known: list[str] | None = None) -> TeacherError:
        headers = dict(error.response.headers)
        complaint = read_complaint(error.response.content, headers.get("content-type", ""))
        return from_status(self._endpoint, error.status_code, complaint, headers, known)

    async def models(self) -> list[str]:
        """Returns the models that the server lists; [] where it has no such list.

        Raises:
            TeacherError: the server cannot be reached or refuses the key.
        """
        import openai

        try:
            response = await self._sent(self._client.get("/models", cast_to=self._raw))
            return read_models(read_json(decoded(response.content, response.headers.get("content-type", ""))))
        except openai.APIStatusError as error:
            if error.status_code in (404, 405) or error.status_code >= 500:
                return []  # no list, or a broken one; whether the model answers is another question
            raise self._status_error(error) from None
        except GateError as error:
            raise not_accepted(self._endpoint, error) from None

    async def _models_or_none(self) -> list[str] | None:
        try:
            return await self.models()
        except TeacherError:
            return None

    async def check(self) -> list[str]:
        """Checks key and address, and the model where one is named; returns the models that the server lists.
        A list without the model is no proof: many are partial or name it otherwise, so the model is asked.

        Raises:
            TeacherError: what is wrong.
        """
        listed = await self.models()
        model = self._endpoint.model
        if not model or any(same_model(model, name) for name in listed):
            return listed
        try:
            await self.complete("你好", Sampling(max_tokens=16))
        except TeacherThoughtOnlyError:
            pass  # it answers; the few tokens went into its thinking
        except TeacherRequestError as error:
            raise (unknown_model(self._endpoint, "", listed) if listed else error) from None
        return listed

    async def aclose(self) -> None:
        """Closes the connections."""
        await self._client.close()
