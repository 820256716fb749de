"""Zhipu GLM through its own SDK. The SDK is synchronous, so each request runs in a thread of the teacher's
pool."""

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from tianji_core.errors import TeacherError
from tianji_core.recipe import Brief
from tianji_core.teachers.base import Answer, Sampling
from tianji_core.teachers.completions import read_completion
from tianji_core.teachers.faults import Endpoint, from_status, timed_out, unreachable, unreadable
from tianji_core.teachers.providers import ModelEntry

MAX_THREADS = 256
"""The most concurrent requests; threads start only when they are needed."""


class Zhipu:
    """One GLM model; concurrent calls are safe."""

    def __init__(self, endpoint: Endpoint, entry: ModelEntry) -> None:
        import httpx
        from zhipuai import ZhipuAI

        self.name = f"{endpoint.title} · {endpoint.model}"
        self._endpoint = endpoint
        self._entry = entry
        self._threads = ThreadPoolExecutor(max_workers=MAX_THREADS, thread_name_prefix="zhipu")
        self._client = ZhipuAI(
            api_key=endpoint.secret,
            base_url=endpoint.base_url,
            max_retries=0,
            timeout=httpx.Timeout(endpoint.timeout, connect=min(10.0, endpoint.timeout)),
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
        loop = asyncio.get_running_loop()
        try:
            # The SDK limits single reads only, so a server that sends byte after byte would never exceed its
            # limit.
            async with asyncio.timeout(self._endpoint.timeout + 1):
                return await loop.run_in_executor(self._threads, self._complete, prompt, sampling)
        except TimeoutError:
            raise timed_out(self._endpoint) from None

    def _complete(self, prompt: str, sampling: Sampling) -> Answer:
        from zhipuai.core import _errors as faults

        started = time.monotonic()
        try:
            completion = self._client.chat.completions.create(
                model=self._endpoint.model,
                messages=[{"role": "user", "content": prompt}],
                extra_body=self._entry.body or None,
                **_parameters(sampling),
            )
        except faults.APIStatusError as error:
            raise self._status_error(error) from None
        except faults.APITimeoutError:
            raise timed_out(self._endpoint) from None
        except faults.APIConnectionError as error:
            raise unreachable(self._endpoint, error.__cause__ or error) from None
        except (faults.ZhipuAIError, ValueError, TypeError) as error:
            # The SDK raises plain ValueError or TypeError for broken JSON and unexpected types.
            raise unreadable(self._endpoint, error) from None
        latency = time.monotonic() - started
        body = completion.model_dump() if hasattr(completion, "model_dump") else completion
        return read_completion(self._endpoint, body, latency)

    def _status_error(self, error: Any) -> TeacherError:
        return from_status(
            self._endpoint, error.status_code, error.response.text, dict(error.response.headers)
        )

    async def check(self) -> list[str]:
        """Checks key and model by asking for a few tokens; this API has no list of models.

        Raises:
            TeacherError: what is wrong.
        """
        await self.complete("你好", Sampling(max_tokens=16))
        return []

    async def aclose(self) -> None:
        """Closes the connections; requests in flight end by their own time limit."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        await asyncio.to_thread(self._client.close)


def _parameters(sampling: Sampling) -> dict[str, Any]:
    given = {
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "max_tokens": sampling.max_tokens,
        "seed": sampling.seed,
    }
    return {name: value for name, value in given.items() if value is not None}
