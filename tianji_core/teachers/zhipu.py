"""Zhipu GLM through its own SDK. The SDK is synchronous, so each request runs in a thread of the teacher's
pool."""

import asyncio
import contextlib
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from tianji_core.addresses import on_this_machine
from tianji_core.errors import GateError, TeacherError, TeacherThoughtOnlyError
from tianji_core.gate import bounded_client, read_complaint, remember_secret
from tianji_core.recipe import Brief
from tianji_core.roles import check_may_write
from tianji_core.teachers.base import Answer, Sampling
from tianji_core.teachers.batch_requests import BatchRequests
from tianji_core.teachers.completions import not_accepted, read_answer
from tianji_core.teachers.faults import CONNECT_SECONDS, Endpoint, timed_out, unreachable, unreadable
from tianji_core.teachers.providers import ModelEntry
from tianji_core.teachers.request import messages, with_own_fields
from tianji_core.teachers.statuses import from_status
from tianji_core.teachers.text_form import FormRequest

MAX_THREADS = 256
"""The most concurrent requests; threads start only when they are needed."""


class Zhipu(BatchRequests):
    """One GLM model; concurrent calls are safe."""

    def __init__(self, endpoint: Endpoint, entry: ModelEntry) -> None:
        import httpx
        from zhipuai import ZhipuAI

        check_may_write()
        self.name = f"{endpoint.title} · {endpoint.model}"
        self._endpoint = endpoint
        self._entry = entry
        self._form = FormRequest(entry.response_format)
        self._raw = httpx.Response
        for part in endpoint.secret.split("."):
            remember_secret(part)  # the key is "number.secret", and each part may be repeated alone
        timeout = httpx.Timeout(endpoint.timeout, connect=min(CONNECT_SECONDS, endpoint.timeout))
        bounded = bounded_client(httpx)
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=None)
        # A proxy for the internet must not take requests to a server on this machine.
        local = on_this_machine(endpoint.base_url)
        self._threads = ThreadPoolExecutor(max_workers=MAX_THREADS, thread_name_prefix="zhipu")
        self._client = ZhipuAI(
            api_key=endpoint.secret,
            base_url=endpoint.base_url,
            max_retries=0,
            timeout=timeout,
            http_client=bounded(timeout=timeout, limits=limits, trust_env=not local),
        )

    async def answer(self, brief: Brief, sampling: Sampling) -> Answer:
        """Returns one completion of the brief's prompt.

        Raises:
            TeacherError: one of its kinds.
        """
        return await self._form.answer(
            brief.prompt,
            lambda prompt, fields: self._sent(self._body(prompt, sampling, brief.system) | fields),
        )

    async def complete(
        self, prompt: str, sampling: Sampling, system: str = "", history: Sequence[tuple[str, str]] = ()
    ) -> Answer:
        """Returns one completion of ``prompt`` after the earlier turns in ``history``, with ``system`` as the
        system message where it is not ''. Sampling parameters are request fields, never part of a message."""
        return await self._sent(self._body(prompt, sampling, system, history))

    def _body(
        self, prompt: str, sampling: Sampling, system: str, history: Sequence[tuple[str, str]] = ()
    ) -> dict[str, Any]:
        given = {
            "model": self._endpoint.model,
            "messages": messages(prompt, system, history),
            **_parameters(sampling),
        }
        return with_own_fields(given, self._entry)

    async def _sent(self, body: dict[str, Any]) -> Answer:
        loop = asyncio.get_running_loop()
        try:
            # The SDK limits single reads only, so a server that sends byte after byte would never exceed its
            # limit.
            async with asyncio.timeout(self._endpoint.timeout + 1):
                return await loop.run_in_executor(self._threads, self._complete, body)
        except TimeoutError:
            raise timed_out(self._endpoint) from None

    def _complete(self, body: dict[str, Any]) -> Answer:
        from zhipuai.core import _errors as faults

        started = time.monotonic()
        try:
            # Not chat.completions.create, which makes objects of any types out of an answer.
            response = self._client.post("/chat/completions", cast_type=self._raw, body=body)
        except faults.APIStatusError as error:
            raise self._status_error(error) from None
        except faults.APITimeoutError:
            raise timed_out(self._endpoint) from None
        except faults.APIConnectionError as error:
            if isinstance(error.__cause__, GateError):
                raise not_accepted(self._endpoint, error.__cause__) from None
            raise unreachable(self._endpoint, error.__cause__ or error) from None
        except Exception as error:  # a server may send what the SDK trips over
            raise unreadable(self._endpoint, f"{type(error).__name__}: {error}") from None
        latency = time.monotonic() - started
        kind, request_id = (response.headers.get(name, "") for name in ("content-type", "x-request-id"))
        return read_answer(self._endpoint, response.content, kind, latency, request_id)

    def _status_error(self, error: Any) -> TeacherError:
        headers = dict(error.response.headers)
        complaint = read_complaint(error.response.content, headers.get("content-type", ""))
        return from_status(self._endpoint, error.status_code, complaint, headers)

    async def check(self) -> list[str]:
        """Checks key and model by asking for a few tokens; this API has no list of models.

        Raises:
            TeacherError: what is wrong.
        """
        with contextlib.suppress(TeacherThoughtOnlyError):  # the few tokens went into its thinking
            await self.complete("你好", Sampling(max_tokens=16))
        return []

    async def aclose(self) -> None:
        """Closes the connections; requests in flight end by their own time limit."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        await asyncio.to_thread(self._client.close)


def _parameters(sampling: Sampling) -> dict[str, Any]:
    """The fields of a request. This API takes temperature and top_p between 0 and 1, both excluded; greedy
    decoding is a field of its own."""
    given = {
        "temperature": _open_interval(sampling.temperature),
        "do_sample": False if sampling.temperature is not None and sampling.temperature <= 0 else None,
        "top_p": _open_interval(sampling.top_p),
        "max_tokens": sampling.max_tokens,
        "seed": sampling.seed,
    }
    return {name: value for name, value in given.items() if value is not None}


def _open_interval(value: float | None) -> float | None:
    return None if value is None else min(0.99, max(0.01, value))
