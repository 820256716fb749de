"""Sequences of the embedded presets cut no sample, and a sample is learnt as if it stood alone."""

import json
import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.tiny_base import add_version, write_tiny_base
from tianji_core.dataset import training_file
from tianji_core.training import default_settings, presets
from tianji_core.training.child import run_tool, tool_environment
from tianji_core.training.estimate import estimate, read_training_file
from tianji_core.training.packing import order, whole_packs
from tianji_core.workspace import Workspace


@given(st.lists(st.integers(1, 60), max_size=300), st.integers(60, 200))
def test_every_sample_stands_once_and_whole_in_a_sequence(lengths: list[int], room: int) -> None:
    packs = whole_packs(lengths, room)
    assert sorted(place for pack in packs for place in pack) == list(range(len(lengths)))
    filled = [sum(lengths[place] for place in pack) for pack in packs]
    assert all(total <= room for total in filled)
    # A new sequence is begun only for what fits into none of the open ones.
    assert all(one + lengths[later[0]] > room for one, later in zip(filled, packs[1:], strict=False))


def test_a_sample_that_is_too_long_has_a_sequence_of_its_own() -> None:
    assert whole_packs([30, 500, 30], 100) == [[0, 2], [1]]


@pytest.mark.parametrize(("count", "room"), [(30, 512), (1000, 512), (30, 128)])
def test_the_estimate_counts_the_sequences_that_cut_nothing(
    workspace: Workspace, count: int, room: int
) -> None:
    turns = read_training_file(training_file(workspace, add_version(workspace, count=count)))
    settings = default_settings("nano-cpu-qlora").model_copy(update={"max_length": room, "batch_size": 1})
    cut, whole = estimate(turns, settings), estimate(turns, settings, whole=True)
    shorter = [min(length, room) for length in whole.lengths]
    if len(shorter) == count:
        assert whole.packs == len(whole_packs(order(shorter, settings.seed), room)) == whole.iterations
    each = room // max(shorter)
    assert (
        max(cut.packs, math.ceil(count / (room // min(shorter))))
        <= whole.packs
        <= math.ceil(count / each) + 1
    )


def test_the_embedded_presets_say_that_they_cut_nothing() -> None:
    said = {chosen.key for chosen in presets() if chosen.whole_samples}
    assert said == {chosen.key for chosen in presets() if "type=whole_samples" in chosen.source}
    assert said == {"nano-cpu-qlora", "nano-cpu-lora"}


PROGRAM = """
import json, sys
from datasets import load_dataset
from transformers import AutoModelForCausalLM, AutoTokenizer
from xtuner.dataset.map_fns import template_map_fn_factory
from xtuner.utils import PROMPT_TEMPLATE
import torch
from tianji_core.training.xtuner_engine.whole_samples import collate_whole, joined, whole_samples

base, data = sys.argv[1:]
tokenizer = AutoTokenizer.from_pretrained(base)
made = whole_samples(
    max_length=256, seed=1, dataset=load_dataset("json", data_files={"train": data}), tokenizer=tokenizer,
    dataset_map_fn=None, template_map_fn=template_map_fn_factory(PROMPT_TEMPLATE.internlm2_chat),
    remove_unused_columns=True, map_num_proc=None,
)
torch.manual_seed(0)
model = AutoModelForCausalLM.from_pretrained(base, torch_dtype=torch.float32).eval()
model.config.use_cache = False

def alone(sequence):
    starts = [at for at, place in enumerate(sequence["position_ids"]) if place == 0]
    ends = starts[1:] + [len(sequence["input_ids"])]
    return [
        {key: sequence[key][a:b] for key in ("input_ids", "labels")} for a, b in zip(starts, ends)
    ]

def losses(samples):
    total = tokens = 0
    for one in samples:
        learnt = sum(label != -100 for label in one["labels"])
        loss = model(input_ids=torch.tensor([one["input_ids"]]), labels=torch.tensor([one["labels"]])).loss
        total, tokens = total + loss.item() * learnt, tokens + learnt
    return total / tokens

sequences = [made[0], made[len(made) - 1]]
samples = [one for sequence in sequences for one in alone(sequence)]
together = model(**collate_whole(sequences)["data"]).loss.item()
print("RESULT " + json.dumps({
    "samples": sum(len(alone(one)) for one in made),
    "begins": sorted({one["input_ids"][0] for one in samples}),
    "bos": tokenizer.bos_token_id, "longest": max(len(one["input_ids"]) for one in made),
    "shared": len(samples) > len(sequences), "together": together, "alone": losses(samples),
}))
"""


@pytest.mark.training
def test_the_loss_of_a_sequence_is_that_of_its_samples_alone(workspace: Workspace, tmp_path: Path) -> None:
    data = training_file(workspace, add_version(workspace, count=24))
    program = tmp_path / "losses.py"
    program.write_text(PROGRAM)
    told: list[str] = []
    arguments = [str(program), str(write_tiny_base(tmp_path / "base")), str(data)]
    ended = run_tool(arguments, tool_environment(workspace, "cpu"), told.append)
    assert ended.code == 0, ended.tail
    found = json.loads(next(line for line in told if line.startswith("RESULT ")).removeprefix("RESULT "))
    assert found["samples"] == 24 and found["longest"] <= 256 and found["shared"]
    assert found["begins"] == [found["bos"]]
    assert found["together"] == pytest.approx(found["alone"], rel=1e-5)
