"""Options of the verbs that ask a model, and the server that answers them."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

import typer

from tianji_core import jobs, models, serving
from tianji_core.errors import InputError, ModelError, SettingsError
from tianji_core.i18n import _
from tianji_core.serving import ChatSampling, Message
from tianji_core.serving.choosing import start_for
from tianji_core.verbs.common import words
from tianji_core.workspace import Workspace

ModelsOption = Annotated[
    str,
    typer.Option("--model", help="Names from 'models', separated by commas; default: the newest merged one."),
]
TemperatureOption = Annotated[float, typer.Option(min=0, max=2, help="0 is greedy; 0.7 steady, 1.0 varied.")]
TopPOption = Annotated[
    float | None,
    typer.Option(
        min=0.01, max=1, help="Default: the model's own, 0.9 where it says none.", show_default=False
    ),
]
AnswerTokensOption = Annotated[int, typer.Option(min=1, help="Longest answer in tokens.")]
StylesOption = Annotated[str, typer.Option(help="Styles separated by commas; default: every enabled one.")]


@dataclass(frozen=True)
class EndpointOptions:
    """A server that the studio did not start."""

    url: Annotated[
        str, typer.Option(help="Any OpenAI-compatible address instead of a server of our own.")
    ] = ""
    key_variable: Annotated[str, typer.Option(help="Environment variable with the key for --url.")] = ""

    def key(self, space: Workspace) -> str | None:
        """Returns the key in the named variable, None where none is named.

        Raises:
            SettingsError: the variable is not set.
        """
        if not self.key_variable:
            return None
        key = space.key(self.key_variable)
        if not key:
            raise SettingsError(
                _(
                    "环境变量 {variable} 没有设置，请先设置它或写进工作区的 .env",
                    variable=self.key_variable,
                )
            )
        return key

    def answering(self, space: Workspace, names: list[str]) -> contextlib.AbstractContextManager[str]:
        """Yields the address that serves these models: --url, or a server of the studio."""
        return contextlib.nullcontext(self.url) if self.url else answering(space, names)


def chosen_models(space: Workspace, text: str) -> list[str]:
    """Returns the models of --model, else the newest merged one, else the first one listed.

    Raises:
        ModelError: there is no model.
    """
    if names := words(text):
        return list(names)
    listed = models.loadable(space)
    if not listed:
        raise ModelError(
            _(
                "还没有模型；下载一个：python -m tianji_core download ID，"
                "或登记本地文件夹：python -m tianji_core models --register DIR"
            )
        )
    merged = [model.name for model in listed if model.kind == "merged"]
    return (merged or [model.name for model in listed])[:1]


@contextlib.contextmanager
def answering(space: Workspace, names: list[str]) -> Iterator[str]:
    """Yields the address of a server with all these models: a running one, else one that stops after the
    block."""
    for running in serving.servers(space):
        if running.ready and not running.key_variable and set(names) <= set(running.models):
            yield running.url
            return
    job = start_for(space, names)
    try:
        yield serving.wait_ready(space, job.id).url
    finally:
        with contextlib.suppress(InputError):
            jobs.stop(space, job.id)


def answer(
    url: str, model: str, system: str, request: str, sampling: ChatSampling, key: str | None = None
) -> str:
    """Returns one answer, from an empty history."""
    messages = [Message("system", system)] if system else []
    chunks = serving.chat_stream(url, model, [*messages, Message("user", request)], sampling, key)
    return "".join(chunk.text for chunk in chunks).strip()
