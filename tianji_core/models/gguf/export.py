"""Makes a GGUF file from a merged model, checks it against that model, and lists it as a model. The hidden
folder gets its manifest and then its name, so a listed file is complete and checked."""

import json
import re
import shutil
import tempfile
from pathlib import Path
from typing import Any

from tianji_core.errors import ModelError, StudioError
from tianji_core.files import write_text
from tianji_core.i18n import _
from tianji_core.jobs import Reporter
from tianji_core.model_folders.base import checked_base
from tianji_core.model_folders.manifest import Artefact, read_artefact, size_text, write_artefact
from tianji_core.model_folders.trust import runs_code
from tianji_core.models.card import write_card
from tianji_core.models.catalogue import checked_name, free_name, making
from tianji_core.models.gguf.formats import GgufFormat, check_packages, checked_format
from tianji_core.models.gguf.templates import modelfile
from tianji_core.models.merged import run_of
from tianji_core.models.trying import trial_questions
from tianji_core.roles import acting_person
from tianji_core.store.database import now
from tianji_core.training.base_trials import built_in
from tianji_core.training.child import Ended, run_tool, tool_environment
from tianji_core.training.child_faults import tool_cause
from tianji_core.workspace import Workspace

STEPS = 2
"""Converting and checking."""
_WRITTEN = re.compile(r"^Writing: +(\d+)%")
_QUANTISED = re.compile(r"^\[ *(\d+)/ *(\d+)\]")
_WRITING = 0.5
"""The share of the first step that is writing, where quantising follows."""


def export_gguf(
    workspace: Workspace,
    merged: Artefact,
    quantisation: str = "f16",
    name: str = "",
    reporter: Reporter | None = None,
) -> Artefact:
    """Returns the GGUF file of a merged model with an Ollama Modelfile beside it, after comparing prompt ids
    and greedy answers with the merged model on the CPU.

    Raises:
        ModelError: not a merged model, no such format, missing packages, an architecture or a tokenizer that
            GGUF does not know, too little disk, or a file that reads or answers in another way.
        StudioError: a step failed.
    """
    chosen_format = checked_format(quantisation)
    check_exportable(workspace, merged, chosen_format)
    reporter = reporter or Reporter()
    _check_room(workspace, merged, chosen_format)
    chosen = checked_name(workspace, name) if name else free_name(workspace, f"{merged.name}-{quantisation}")
    with making(workspace, chosen) as folder:
        file = folder / f"{chosen}.gguf"
        _write_file(workspace, merged, file, chosen_format, reporter)
        reporter.update(1, total=STEPS, message=_("正在和合并模型对照着试答"))
        result = _checked(workspace, merged, file, chosen_format)
        asked = trial_questions(workspace, merged)
        answers = dict(zip(asked, result["answers"], strict=True))
        made = merged.model_copy(
            update={
                "name": chosen,
                "kind": "gguf",
                "title": f"{merged.title} · {quantisation}",
                "path": folder,
                "location": "",
                "base": merged.path,
                "figures": {
                    "bytes": float(file.stat().st_size),
                    "agreement": float(result["agreement"]),
                    "same": float(result["same"]),
                },
                "samples": answers,
                "sample": answers[asked[0]],
                "source": _("由“{name}”导出", name=merged.name),
                "trust_remote_code": False,
                "code_sha256": "",
                "created_at": now(),
                "who": acting_person(),
            }
        )
        write_text(folder / "Modelfile", modelfile(file.name, merged.template, merged.system))
        write_card(folder, made, run_of(workspace, made))
        write_artefact(folder, made, workspace.home)
    reporter.update(STEPS)
    return read_artefact(workspace.models / chosen, workspace.home)


def check_exportable(workspace: Workspace, merged: Artefact, chosen: GgufFormat) -> None:
    """Checks that a model can become a GGUF file of a format on this machine.

    Raises:
        ModelError: not a merged model, one of the built-in base, code that nobody allowed, or missing
            packages.
    """
    if merged.kind != "merged":
        raise ModelError(_("“{name}”不是合并模型；GGUF 由合并模型导出，请先合并", name=merged.name))
    if merged.base is not None and built_in(merged.base):  # before anybody installs packages for it
        raise _no_tokenizer(merged)
    check_packages(chosen)
    checked_base(merged.path)
    runs_code(workspace, merged.path)


def _check_room(workspace: Workspace, merged: Artefact, chosen: GgufFormat) -> None:
    needed = checked_base(merged.path).size * chosen.room / 16
    free = shutil.disk_usage(workspace.models).free
    if free < needed * 1.05:
        raise ModelError(
            _(
                "导出约需 {need} 磁盘，只剩 {free}，请先清理",
                need=size_text(needed * 1.05),
                free=size_text(free),
            )
        )


def _write_file(
    workspace: Workspace, merged: Artefact, file: Path, chosen: GgufFormat, reporter: Reporter
) -> None:
    reporter.update(0, total=STEPS, message=_("正在转成 GGUF"))

    def on_line(line: str) -> None:
        if found := _WRITTEN.match(line):
            share = 1.0 if chosen.file_type is None else _WRITING
            reporter.update(share * int(found[1]) / 100, total=STEPS)
        elif found := _QUANTISED.match(line):
            done = int(found[1]) / int(found[2])
            reporter.update(_WRITING + (1 - _WRITING) * done, total=STEPS, message=_("正在量化"))

    arguments = ["conversion", str(merged.path), str(file), "--format", chosen.name]
    arguments += ["--title", merged.title, *_asking(workspace, merged)]
    ended = _run(workspace, arguments, on_line)
    if ended.code != 0 or not file.exists():
        raise _refused(merged, ended)


def _no_tokenizer(merged: Artefact) -> ModelError:
    return ModelError(
        _("“{name}”的分词器没有 GGUF 的写法，不能导出；可以直接用合并模型对话", name=merged.name)
    )


def _refused(merged: Artefact, ended: Ended) -> StudioError:
    if "pre-tokenizer was not recognized" in ended.tail or "does not support the tokenizer" in ended.tail:
        return _no_tokenizer(merged)
    if re.search(r"Model \w+ is not supported", ended.tail):
        return ModelError(_("“{name}”的结构没有 GGUF 的写法，不能导出", name=merged.name))
    return StudioError(_("转成 GGUF 没有做成：{reason}", reason=tool_cause(ended.tail, ended.code)))


def _checked(workspace: Workspace, merged: Artefact, file: Path, chosen: GgufFormat) -> dict[str, Any]:
    """Returns the result of the comparison.

    Raises:
        ModelError: the file reads a conversation or answers in another way.
        StudioError: it cannot be loaded.
    """
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "check.json"
        arguments = ["check", str(merged.path), str(file), str(report), *_asking(workspace, merged)]
        arguments += ["--apart", str(chosen.apart)]
        for prompt in trial_questions(workspace, merged):
            arguments += ["--prompt", prompt]
        ended = _run(workspace, arguments, lambda line: None)
        if ended.code != 0 or not report.exists():
            raise StudioError(_("GGUF 文件加载不了：{reason}", reason=tool_cause(ended.tail, ended.code)))
        result = json.loads(report.read_text(encoding="utf-8"))
    if result["prompts"]:
        raise ModelError(
            _("GGUF 文件把“{text}”切成了别的 token，没有留下；请直接用合并模型", text=result["prompts"][0])
        )
    if result["agreement"] < chosen.tokens:
        raise ModelError(
            _(
                "GGUF 文件和合并模型的回答不一样（只有 {share}% 的 token 一致，{format} 至少要 {least}%），没有留下",
                share=round(result["agreement"] * 100),
                format=chosen.name,
                least=round(chosen.tokens * 100),
            )
        )
    return result


def _asking(workspace: Workspace, merged: Artefact) -> list[str]:
    arguments = ["--template", merged.template, "--system", merged.system]
    return arguments + (["--trust-remote-code"] if runs_code(workspace, merged.path) else [])


def _run(workspace: Workspace, arguments: list[str], on_line: Any) -> Ended:
    command = ["-m", f"tianji_core.models.gguf.{arguments[0]}", *arguments[1:]]
    return run_tool(command, tool_environment(workspace, "cpu"), on_line)
