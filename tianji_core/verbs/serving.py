"""The verb that starts a model server of the studio or of another program: serve."""

from typing import Annotated

import typer

from tianji_core import serving
from tianji_core.errors import InputError
from tianji_core.i18n import _
from tianji_core.model_folders.folders import named_folder
from tianji_core.serving import ModelRef, ServerOptions, external
from tianji_core.serving.choosing import start_for
from tianji_core.serving.launch import KEY_VARIABLE
from tianji_core.verbs.common import JsonOption, WorkspaceOption, opened, show
from tianji_core.verbs.model_options import chosen_models


def serve(
    context: typer.Context,
    model: Annotated[
        str,
        typer.Option(
            "--model",
            help=(
                "Names from 'models' or folders (DIR or NAME=DIR), separated by commas; "
                "default: the newest merged one."
            ),
        ),
    ] = "",
    lora_modules: Annotated[
        list[str] | None,
        typer.Option(help="Adapters as NAME=DIR; several after one another.", show_default=False),
    ] = None,
    port: Annotated[
        int | None, typer.Option(min=1, max=65535, help="Port; default: a free one.", show_default=False)
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, or cuda:N for a card by number.")] = "auto",
    dtype: Annotated[str, typer.Option(help="auto, float32, bfloat16 or float16.")] = "auto",
    quantization: Annotated[str, typer.Option(help="4bit (nf4) or 8bit.", show_default=False)] = "",
    max_queue: Annotated[
        int | None,
        typer.Option(min=0, help="Requests that may wait; more are refused.", show_default=False),
    ] = None,
    api_key: Annotated[
        bool, typer.Option("--api-key", help=f"Answer only who sends the key in {KEY_VARIABLE}.")
    ] = False,
    program: Annotated[
        str, typer.Option(help="vllm or lmdeploy instead of our own server.", show_default=False)
    ] = "",
    gpus: Annotated[int, typer.Option(min=1, help="With --program: GPUs that share the model.")] = 1,
    print_only: Annotated[
        bool, typer.Option("--print", help="With --program: show the command, start nothing.")
    ] = False,
    as_json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Start an OpenAI-compatible server for models in the background; stop it with 'jobs --stop'."""
    space = opened(workspace)
    extra = [adapter_folder(text) for text in [*(lora_modules or []), *context.args]]
    names = chosen_models(space, model)
    if program:
        command = external.command(space, program, names, extra, port, gpus)
        if print_only:
            show({"command": command.argv}, as_json, command.text)
            return
        job = external.start(space, command)
    else:
        options = ServerOptions(device, dtype, quantization, max_queue, api_key)
        job = start_for(space, names, port, options, extra)
    server = serving.wait_ready(space, job.id, timeout=1800.0 if program else 600.0)
    facts = {"job": job.id, "url": server.url, "models": server.models}
    show(
        facts,
        as_json,
        _("任务 {job}：{url}，模型 {names}", job=job.id, url=server.url, names=_("、").join(server.models)),
    )


def adapter_folder(text: str) -> ModelRef:
    """Returns the adapter that is given as NAME=DIR.

    Raises:
        InputError: ``text`` has another form. ModelError: there is no such folder.
    """
    if text.startswith("-") or "=" not in text:
        raise InputError(_("适配器要写成 名字=文件夹，现在是“{text}”", text=text))
    folder = named_folder(text)
    return ModelRef(folder.name, str(folder.path))
