"""The verb that starts a model server of the studio or of another program: serve."""

from dataclasses import dataclass
from typing import Annotated

import typer

from tianji_core import serving
from tianji_core.errors import InputError
from tianji_core.i18n import _
from tianji_core.model_folders.folders import named_folder
from tianji_core.serving import ModelRef, ServerOptions, external
from tianji_core.serving.choosing import start_for
from tianji_core.serving.launch import KEY_VARIABLE
from tianji_core.serving.programs import program_title
from tianji_core.serving.starting import STUDIO, check_options, default_program
from tianji_core.verbs.common import JsonOption, WorkspaceOption, opened, show
from tianji_core.verbs.model_options import chosen_models
from tianji_core.verbs.serving_programs import add_program, drop_program, fitted

ServedOption = Annotated[
    str,
    typer.Option(
        "--model",
        help=(
            "Names from 'models' or folders (DIR or NAME=DIR), separated by commas; "
            "default: the newest merged one."
        ),
    ),
]


@dataclass(frozen=True)
class ComputingOptions:
    """How the studio's own server computes and answers."""

    device: Annotated[str, typer.Option(help="auto, cpu, cuda, or cuda:N for a card by number.")] = "auto"
    dtype: Annotated[str, typer.Option(help="auto, float32, bfloat16 or float16.")] = "auto"
    quantization: Annotated[str, typer.Option(help="4bit (nf4) or 8bit.", show_default=False)] = ""
    max_queue: Annotated[
        int | None,
        typer.Option(min=0, help="Requests that may wait; more are refused.", show_default=False),
    ] = None
    api_key: Annotated[
        bool, typer.Option("--api-key", help=f"Answer only who sends the key in {KEY_VARIABLE}.")
    ] = False
    openai_sampling: Annotated[
        bool,
        typer.Option(
            "--openai-sampling",
            help="Where a request names no temperature or top_p, 1 counts, not the model's own.",
        ),
    ] = False

    def options(self) -> ServerOptions:
        """Returns them as options of a server."""
        return ServerOptions(
            self.device, self.dtype, self.quantization, self.max_queue, self.api_key, self.openai_sampling
        )


@dataclass(frozen=True)
class ProgramOptions:
    """The program that serves, and what is done with it."""

    program: Annotated[
        str,
        typer.Option(
            help="vllm, lmdeploy, or studio for our own server; on a machine with a card one that "
            "--install has added is the default.",
            show_default=False,
        ),
    ] = ""
    install: Annotated[
        bool, typer.Option("--install", help="With --program: add it in an environment of its own.")
    ] = False
    remove: Annotated[
        bool, typer.Option("--remove", help="With --program: remove the environment that --install made.")
    ] = False
    head: Annotated[
        str,
        typer.Option(
            help="Adapters that change the head, which other programs cannot load: merge them into a model "
            "of their own, or strip that part.",
            show_default=False,
        ),
    ] = ""
    gpus: Annotated[int, typer.Option(min=1, help="With --program: GPUs that share the model.")] = 1
    print_only: Annotated[
        bool, typer.Option("--print", help="With --program: show the command, start nothing.")
    ] = False


def serve(
    context: typer.Context,
    model: ServedOption = "",
    lora_modules: Annotated[
        list[str] | None,
        typer.Option(help="Adapters as NAME=DIR; several after one another.", show_default=False),
    ] = None,
    port: Annotated[
        int | None, typer.Option(min=1, max=65535, help="Port; default: a free one.", show_default=False)
    ] = None,
    computing: ComputingOptions = ComputingOptions(),
    chosen: ProgramOptions = ProgramOptions(),
    as_json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Start an OpenAI-compatible server for models in the background; stop it with 'jobs --stop'."""
    space = opened(workspace)
    if chosen.install or chosen.remove:
        (add_program if chosen.install else drop_program)(space, chosen.program, as_json)
        return
    extra = [adapter_folder(text) for text in [*(lora_modules or []), *context.args]]
    names = fitted(space, chosen_models(space, model), chosen.head, as_json)
    options = computing.options()
    program = chosen.program or default_program(space, names, options, extra)
    check_options(program, options)
    if program == STUDIO and (chosen.print_only or chosen.gpus > 1):
        raise InputError(
            _("工坊自己的服务没有 --print 和 --gpus；它们要和 --program vllm 或 lmdeploy 一起用")
        )
    if program != STUDIO:
        command = external.command(space, program, names, extra, port, chosen.gpus)
        if chosen.print_only:
            show({"command": command.argv}, as_json, command.text)
            return
        job = external.start(space, command)
    else:
        job = start_for(space, names, port, options, extra)
    server = serving.wait_ready(space, job.id, timeout=600.0 if program == STUDIO else 1800.0)
    facts = {"job": job.id, "url": server.url, "models": server.models, "program": program}
    show(
        facts,
        as_json,
        _(
            "任务 {job}：{url}，模型 {names}，由 {program} 回答",
            job=job.id,
            url=server.url,
            names=_("、").join(server.models),
            program=program_title(program),
        ),
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
