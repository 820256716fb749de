"""The README.md of a pushed repository: what the hubs read from its head, the card, and how to use it."""

import json
from pathlib import Path
from string import Template
from typing import Any

import yaml

from tianji_core.dataset import DatasetVersion, training_file, validation_file
from tianji_core.model_folders.config_files import TOKENIZER_CONFIG, optional_object
from tianji_core.model_folders.manifest import Artefact
from tianji_core.model_folders.own_template import DAY
from tianji_core.model_folders.prompt import QWEN
from tianji_core.model_folders.template import TEMPLATES
from tianji_core.models import KnownBase, read_card
from tianji_core.models.card import CARD, model_card
from tianji_core.models.merged import run_of
from tianji_core.models.trying import trial_questions
from tianji_core.project import CONFIGS
from tianji_core.push.target import PushTarget
from tianji_core.workspace import Workspace

_RELATIONS = {"adapter": "adapter", "merged": "finetune", "gguf": "quantized"}
_LIBRARIES = {"adapter": "peft", "merged": "transformers", "gguf": "gguf"}
_PACKAGES = {"modelscope": "modelscope", "huggingface": "transformers"}
_SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))


def dataset_readme(workspace: Workspace, version: DatasetVersion, target: PushTarget, licence: str) -> str:
    """Returns the README.md of a dataset version: its English card with figures, licence and usage."""
    training, validation = training_file(workspace, version), validation_file(workspace, version)
    files = [{"split": "train", "path": training.name}]
    if validation is not None:
        files.append({"split": "validation", "path": validation.name})
    head = {
        "license": licence,
        "language": ["zh"],
        "task_categories": ["text-generation"],
        "size_categories": [next((n for most, n in _SIZES if version.count < most), "n>1M")],
        "configs": [{"config_name": "default", "data_files": files}],
    }
    path = workspace.home / version.folder / CARD
    card = path.read_text(encoding="utf-8") if path.is_file() else f"# {version.name}"
    return _joined(head, card, _usage(f"dataset_{target.hub}", repo=target.repo))


def model_readme(
    workspace: Workspace, model: Artefact, base: KnownBase | None, target: PushTarget, licence: str
) -> str:
    """Returns the README.md of a model: its card with base, template, dataset and figures, licence and
    usage. The card of the folder is taken where there is one, since a person may have written in it."""
    base_id = "" if base is None else (base.modelscope if target.hub == "modelscope" else base.huggingface)
    head: dict[str, Any] = {
        "license": licence,
        "language": ["zh"],
        "library_name": _LIBRARIES[model.kind],
        "pipeline_tag": "text-generation",
    }
    if base_id:
        head |= {"base_model": base_id, "base_model_relation": _RELATIONS[model.kind]}
    card = read_card(model) or model_card(model, run_of(workspace, model))
    fetched = f'snapshot_download("{target.repo}")' if target.hub == "modelscope" else f'"{target.repo}"'
    usage = _usage(
        model.kind,
        fetched=fetched,
        fetcher=", snapshot_download" if target.hub == "modelscope" else "",
        repo=target.repo,
        package=_PACKAGES[target.hub],
        base=base_id or (model.base.name if model.base else ""),
        prompt=_prompt(model, trial_questions(workspace, model)[0]),
        model=target.repo.rpartition("/")[2],
        trust=", trust_remote_code=True" if _brings_code(model) else "",
        file=next((path.name for path in sorted(model.path.glob("*.gguf"))), ""),
        prefix="hf.co/" if target.hub == "huggingface" else "modelscope.cn/",
    )
    return _joined(head, card, usage)


def _joined(head: dict[str, Any], card: str, usage: str) -> str:
    if card.startswith("---\n"):  # a head that a person wrote
        return f"{card.rstrip()}\n\n{usage}"
    return (
        f"---\n{yaml.safe_dump(head, allow_unicode=True, sort_keys=False)}---\n\n{card.rstrip()}\n\n{usage}"
    )


def _usage(name: str, **values: str) -> str:
    text = (CONFIGS / "push" / f"{name}.md").read_text(encoding="utf-8")
    return Template(text).substitute(values)


def _brings_code(model: Artefact) -> bool:
    folder = model.base if model.kind == "adapter" and model.base is not None else model.path
    return any(folder.glob("modeling_*.py"))


def _prompt(model: Artefact, question: str) -> str:
    """Returns the Python expression of the text that asks the model ``question``, as in its training."""
    form = TEMPLATES.get(model.template)
    folder = model.base if model.kind == "adapter" and model.base is not None else model.path
    if form is None:
        said = [{"role": "system", "content": model.system}] if model.system else []
        messages = json.dumps([*said, {"role": "user", "content": question}], ensure_ascii=False)
        asked = f"{messages}, add_generation_prompt=True, tokenize=False{_day(folder)}"
        return f"tokenizer.apply_chat_template({asked})"
    turns = [("system", model.system)] if model.system else []
    turns.append(("user", question))
    text = "".join(form.turn.format(role=role, content=content) for role, content in turns) + form.opening
    qwen = optional_object(folder, TOKENIZER_CONFIG).get("tokenizer_class") in QWEN
    return ("" if qwen else '(tokenizer.bos_token or "") + ') + json.dumps(text, ensure_ascii=False)


def _day(folder: Path) -> str:
    """Returns the arguments that give a model's own template the date of the training, '' where it asks for
    none."""
    path = folder / "chat_template.jinja"
    text = path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
    text += str(optional_object(folder, TOKENIZER_CONFIG).get("chat_template") or "")
    if "date_string" not in text and "strftime_now" not in text:
        return ""
    return f', date_string="{DAY}", strftime_now=lambda _form: "{DAY}"'
