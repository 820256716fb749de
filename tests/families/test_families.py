"""Every family of bases goes the whole way: listed, checked, trained, converted, merged, served, asked,
evaluated, swept; a family whose files are only stored otherwise, up to the merged model, which is stored as
all others are. Merged model, adapter on its base, server, plain transformers and plain peft give the same
greedy answers, token by token in float32.

Random weights and a training of a few iterations: this is about the way, not about quality.
"""

import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.families.bases import FAMILIES, Family, written
from tests.tiny_base import SYSTEM, add_version
from tianji_core import jobs, models, training
from tianji_core.evaluation import Checker, evaluate_folder, held_out_cases
from tianji_core.evaluation.sweep import SweepPlan, load_sweep, start_sweep
from tianji_core.gate.text import clean_text
from tianji_core.model_folders.foreign_code import prepare_transformers
from tianji_core.model_folders.messages import ChatMessage
from tianji_core.model_folders.prompt import encode, stop_tokens
from tianji_core.recipe import built_in_recipes, load_recipe
from tianji_core.serving import ModelRef, start_server
from tianji_core.serving.client import ChatSampling, Message, chat_stream
from tianji_core.serving.running import wait_ready
from tianji_core.serving.text import TextStream
from tianji_core.store import training as runs
from tianji_core.training.engine import checkpoint_weights
from tianji_core.workspace import Workspace

pytestmark = [pytest.mark.families, pytest.mark.training]
KEY = "nano-cpu-lora"
LENGTH = 24
REQUESTS = ("祝妹妹生日", "祝老师中秋节,小红书风格")


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.key)
def test_a_family_goes_the_whole_way(family: Family, workspace: Workspace, tmp_path: Path) -> None:
    base = models.register_folder(workspace, written(family, tmp_path), trust_remote_code=True)
    run = trained(workspace, family, base.path)
    finished(workspace, models.start_convert_and_merge(workspace, run))
    adapter, merged = [each for each in models.artefacts(workspace) if each.kind != "base"]
    assert (adapter.kind, merged.kind, merged.template) == ("adapter", "merged", family.template)
    assert merged.figures["agreement"] == 1.0 and merged.figures["distance"] < 1e-4

    loaded = networks(base, adapter, merged, family.template)
    plain = {name: answers(*network) for name, network in loaded.items()}
    assert plain["merged"] == plain["adapter"]
    assert plain["merged"] != plain["base"]  # the training changed something
    if not family.stored_otherwise:
        served = asked(workspace, base, adapter, merged)
        tokenizer = tokenizer_of(base)
        stops = stop_tokens(tokenizer, None)
        assert served == {name: [said(tokenizer, each, stops) for each in plain[name]] for name in plain}
        evaluated_and_swept(workspace, run, base, adapter, merged, tmp_path)


def evaluated_and_swept(
    workspace: Workspace,
    run: runs.TrainingRun,
    base: models.Artefact,
    adapter: models.Artefact,
    merged: models.Artefact,
    place: Path,
) -> None:
    """Merged model and adapter answer alike, and the sweep of the training as its last checkpoint does."""
    recipe = load_recipe(built_in_recipes()["wishes"])
    cases, checker = held_out_cases(recipe, limit=2), Checker(recipe)

    def answered(folder: Path, on_top: Path | None) -> list[str]:
        report = evaluate_folder(folder, on_top, cases, checker, code_allowed=True)
        return [judged.answer for judged in report.judged]

    assert answered(merged.path, None) == answered(base.path, adapter.path)
    plan = SweepPlan(run_id=run.id, recipe="wishes", revision=1, limit=2, texts=0)
    finished(workspace, start_sweep(workspace, plan))
    points = load_sweep(workspace, run.id).points
    ends = points[0], points[-1]  # the estimate may be a step short: then that step is a checkpoint, too
    assert [point.iteration for point in ends] == [0, adapter.checkpoint]
    before, after = ([answer for _request, answer, _passed in point.examples] for point in ends)
    checkpoint = training.training_state(workspace, run).checkpoints[-1].path
    assert after == answered(base.path, unrounded(adapter.path, checkpoint, place)) != before


def unrounded(adapter: Path, checkpoint: Path, place: Path) -> Path:
    """A copy of an adapter with the float32 weights of its checkpoint, which a sweep reads; xtuner rounds an
    adapter's to float16, and two tokens of a model of random weights may lie closer than that."""
    from safetensors.torch import load_file, save_file

    copy = Path(shutil.copytree(adapter, place / "unrounded"))
    exact = {name.replace(".default.", "."): value for name, value in checkpoint_weights(checkpoint).items()}
    rounded = load_file(copy / "adapter_model.safetensors")
    assert rounded.keys() == exact.keys()
    save_file({name: value.contiguous() for name, value in exact.items()}, copy / "adapter_model.safetensors")
    return copy


def trained(workspace: Workspace, family: Family, base: Path) -> runs.TrainingRun:
    """A finished training of a few iterations."""
    changes = {
        "base": str(base),
        "template": family.template,
        "max_length": 512,
        "batch_size": 1,
        "learning_rate": 0.02,
        "lora_r": 8,
        "warmup_ratio": 0.0,
        "log_interval": 1,
        "eval_tokens": 4,
        "eval_prompts": ["祝妹妹生日"],
    }
    settings = training.default_settings(KEY).model_copy(update=changes)
    version = add_version(workspace, count=24)
    checked = training.preflight(workspace, training.preset(KEY), settings, version)
    assert checked.ok, checked.stops
    run = training.start_training(workspace, KEY, settings, version)
    finished(workspace, jobs.get(workspace, run.job_id))
    run = runs.get(workspace.engine, run.id)
    state = training.training_state(workspace, run)
    assert state.finished and state.total is not None and state.total >= 2
    assert {0, state.total} <= {trial.iteration for trial in state.trials}
    return run


def finished(workspace: Workspace, job: jobs.Job) -> None:
    """Waits for a job that must succeed."""
    ended = jobs.wait(workspace, job.id, 400)
    assert ended.state == "succeeded", f"{ended.note}\n{jobs.log_tail(workspace, job.id)[-3000:]}"


def tokenizer_of(model: models.Artefact) -> Any:
    """The tokenizer as transformers loads it."""
    from transformers import AutoTokenizer

    prepare_transformers()
    return AutoTokenizer.from_pretrained(model.path, trust_remote_code=True)


def networks(
    base: models.Artefact, adapter: models.Artefact, merged: models.Artefact, trained: str
) -> dict[str, tuple[Any, Any, str]]:
    """Base, adapter and merged model by plain transformers and plain peft, each with its tokenizer and the
    template that it is asked in: the base in its own, the others in the one they were ``trained`` with."""
    import torch
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    def loaded(model: models.Artefact) -> Any:
        return AutoModelForCausalLM.from_pretrained(
            model.path, trust_remote_code=True, torch_dtype=torch.float32
        ).eval()

    tokenizer = tokenizer_of(merged)
    return {
        "base": (loaded(base), tokenizer_of(base), base.template or trained),
        "adapter": (PeftModel.from_pretrained(loaded(base), adapter.path).eval(), tokenizer, trained),
        "merged": (loaded(merged), tokenizer, trained),
    }


def answers(network: Any, tokenizer: Any, template: str) -> list[list[int]]:
    """The tokens of greedy answers to :data:`REQUESTS`, one forward pass of the whole text for each token, so
    that no cache can be at fault."""
    import torch

    stops = stop_tokens(tokenizer, network.generation_config.eos_token_id)
    made = []
    for request in REQUESTS:
        messages = [ChatMessage(role="system", content=SYSTEM), ChatMessage(role="user", content=request)]
        ids = encode(tokenizer, template, messages)
        answer: list[int] = []
        with torch.inference_mode():
            while len(answer) < LENGTH and not (answer and answer[-1] in stops):
                row = torch.tensor([ids + answer])
                logits = network(input_ids=row, attention_mask=torch.ones_like(row), use_cache=False).logits
                answer.append(int(logits[0, -1].argmax()))
        made.append(answer)
    return made


def said(tokenizer: Any, answer: list[int], stops: frozenset[int]) -> tuple[str, int]:
    """The text and the number of tokens of an answer, as a stream shows it through the gate: models of random
    weights write halves of characters, which become other text in a stream than as a whole, and characters
    that control a terminal, which the gate takes out."""
    stream = TextStream(tokenizer, ())
    text = "".join(stream.push(token) for token in answer if token not in stops)
    return clean_text(text + stream.finish()), len(answer)


def asked(
    workspace: Workspace, base: models.Artefact, adapter: models.Artefact, merged: models.Artefact
) -> dict[str, list[tuple[str, int]]]:
    """What the model server answers for the base, the adapter on it and the merged model."""
    refs = {"base": base, "adapter": adapter, "merged": merged}
    named = {name: ModelRef(name, str(model.path)) for name, model in refs.items()}
    job = start_server(workspace, [named["base"], named["merged"]], [named["adapter"]])
    try:
        server = wait_ready(workspace, job.id, 240)
        return {name: [_one(server.url, name, request) for request in REQUESTS] for name in refs}
    finally:
        jobs.stop(workspace, job.id)
        jobs.wait(workspace, job.id, 60)


def _one(url: str, name: str, request: str) -> tuple[str, int]:
    messages = [Message("system", SYSTEM), Message("user", request)]
    sampling = ChatSampling(temperature=0.0, max_tokens=LENGTH)
    chunks = list(chat_stream(url, name, messages, sampling))
    counts = [chunk.completion_tokens for chunk in chunks if chunk.completion_tokens is not None]
    return "".join(chunk.text for chunk in chunks), counts[-1]
