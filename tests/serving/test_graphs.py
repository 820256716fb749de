"""Recorded steps: space for more rows than there are changes no answer, and on a GPU a replay is what a plain
pass gives."""

from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tests.serving.tiny import make_adapter, make_base
from tianji_core.serving.graphs import Graphs
from tianji_core.serving.lora import Adapters, LoraLinear, LoraMatrices, read_adapter
from tianji_core.serving.routing import Routing
from tianji_core.serving.slab import Slab, bucket


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    home = tmp_path_factory.mktemp("graphs")
    base = make_base(home / "base")
    return base, make_adapter(home / "red", base, 1)


def loaded(folder: Path, device: str = "cpu") -> Any:
    from transformers import AutoModelForCausalLM

    return AutoModelForCausalLM.from_pretrained(folder, torch_dtype=torch.float32).to(device).eval()


def read_into(slab: Slab, model: Any, prompts: list[list[int]]) -> None:
    """Prompts of one length become the newest rows."""
    ids = torch.tensor(prompts, device=model.device)
    cache = model(input_ids=ids, use_cache=True).past_key_values
    slab.join(list(cache.to_legacy_cache()), [len(prompt) for prompt in prompts])


@torch.inference_mode()
def test_spare_rows_and_columns_change_nothing(folders: tuple[Path, Path]) -> None:
    model = loaded(folders[0])
    slab = Slab()
    read_into(slab, model, [[5, 6, 7], [8, 9, 10], [11, 12, 13]])
    slab.reserve(4, 128)
    at, tokens = torch.tensor([3, 3, 3, 0]), torch.tensor([14, 15, 16, 0])
    padded = slab.run(model, at, tokens, 128)[:3]
    exact = slab.forward(model, [14, 15, 16])
    assert torch.allclose(padded, exact, atol=1e-5)
    alone = model(input_ids=torch.tensor([[8, 9, 10, 15]])).logits[0, -1]
    assert torch.allclose(exact[1], alone, atol=1e-5)


@torch.inference_mode()
def test_prompts_of_several_lengths_join_with_their_shared_beginning(folders: tuple[Path, Path]) -> None:
    """The first two tokens at the left end, the others at the right, with filler between."""
    model = loaded(folders[0])
    prompts = [[5, 6, 7, 8, 9], [5, 6, 10], [5, 6, 11, 12]]
    read = [model(input_ids=torch.tensor([each])).past_key_values.to_legacy_cache() for each in prompts]

    def padded(at: int, layer: int, which: int) -> torch.Tensor:
        whole = read[at][layer][which]
        filler = torch.full((1, whole.shape[1], 5 - whole.shape[2], whole.shape[3]), 7.0)
        return torch.cat([whole[:, :, :2], filler, whole[:, :, 2:]], dim=2)

    layers = [
        (
            torch.cat([padded(at, layer, 0) for at in range(3)]),
            torch.cat([padded(at, layer, 1) for at in range(3)]),
        )
        for layer in range(len(read[0]))
    ]
    slab = Slab()
    slab.join(layers, [5, 3, 4], prefix=2)
    scores = slab.forward(model, [13, 14, 15])
    for at, (prompt, token) in enumerate(zip(prompts, [13, 14, 15], strict=True)):
        alone = model(input_ids=torch.tensor([[*prompt, token]])).logits[0, -1]
        assert torch.allclose(scores[at], alone, atol=1e-5)


def test_held_masks_follow_the_rows() -> None:
    routing = Routing()
    columns = (("red", 2, 0.5), ("blue", 1, 2.0))
    routing.set(["red", ""])
    routing.mask(columns, torch.empty(0))
    masks = routing.masks()
    held = routing.mask(columns, torch.empty(0))  # what is recorded
    routing.set(["blue", "red"])
    masks.follow()
    assert held[:, 0].tolist() == [[0, 0, 2], [0.5, 0.5, 0]]


def test_recordings_for_the_same_rows_keep_their_masks_apart() -> None:
    """As when one answer grows past the columns of a recording, and the next is another adapter's."""
    routing = Routing()
    columns = (("red", 1, 1.0), ("blue", 1, 1.0))
    routing.set(["red"])
    routing.mask(columns, torch.empty(0))
    short, short_mask = routing.masks(), routing.mask(columns, torch.empty(0))
    long, long_mask = routing.masks(), routing.mask(columns, torch.empty(0))
    routing.set(["blue"])
    long.follow()
    routing.set(["red"])
    short.follow()
    assert (short_mask.flatten().tolist(), long_mask.flatten().tolist()) == ([1, 0], [0, 1])


def test_kept_space_is_used_again_and_given_back(folders: tuple[Path, Path]) -> None:
    model = loaded(folders[0])
    for keep, same in ((2**30, True), (0, False)):
        slab = Slab(keep)
        with torch.inference_mode():
            read_into(slab, model, [[5, 6], [7, 8]])
            before = slab.stamp
            assert slab.drop([0, 1]) == []
            read_into(slab, model, [[9, 10]])
            assert (slab.stamp == before) is same
            scores = slab.forward(model, [11])
            alone = model(input_ids=torch.tensor([[9, 10, 11]])).logits[:, -1]
        assert torch.allclose(scores, alone, atol=1e-5)


@pytest.mark.parametrize("moved_bytes", [1, 1 << 26])
@given(
    lengths=st.lists(st.integers(1, 9), min_size=1, max_size=12),
    ended=st.sets(st.integers(0, 11)),
)
def test_rows_that_go_on_keep_their_keys_and_values(
    moved_bytes: int, lengths: list[int], ended: set[int]
) -> None:
    rows, width, gone = len(lengths), max(lengths), sorted(ended & set(range(len(lengths))))
    layers = [(torch.rand(rows, 2, width, 3), torch.rand(rows, 2, width, 3)) for _layer in range(2)]
    slab = Slab(2**30)
    slab.join(layers, [width] * rows, width)
    slab.lengths = list(lengths)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tianji_core.serving.slab.MOVED_BYTES", moved_bytes)
        order = slab.drop(list(reversed(gone)))
    assert sorted(order) == [row for row in range(rows) if row not in gone]
    assert slab.lengths == [lengths[row] for row in order]
    for at, (keys, values) in enumerate(layers):
        held = slab._layers[at]
        for place, row in enumerate(order):
            assert torch.equal(held[0][place, :, : lengths[row]], keys[row, :, : lengths[row]])
            assert torch.equal(held[1][place, :, : lengths[row]], values[row, :, : lengths[row]])


def test_buckets_are_few() -> None:
    assert [bucket(n) for n in (1, 2, 3, 17, 33, 96, 97)] == [1, 2, 4, 32, 48, 96, 128]
    assert [bucket(n, 128) for n in (1, 128, 129, 193, 700)] == [128, 128, 192, 256, 768]


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs an NVIDIA card")
@torch.inference_mode()
def test_a_replay_is_what_a_plain_pass_gives(folders: tuple[Path, Path]) -> None:
    model = loaded(folders[0], "cuda")
    adapters = Adapters(model, model.dtype)
    graphs = Graphs(model, adapters)
    slab, plain = Slab(graphs.keep), Slab()
    names: list[str] = []

    def grow(prompts: list[list[int]], name: str) -> None:
        adapters.route([name] * len(prompts))
        for each in (slab, plain):
            read_into(each, model, prompts)
        names.extend([name] * len(prompts))

    def steps(number: int) -> None:
        for turn in range(number):
            tokens = [5 + (turn + at) % 20 for at in range(len(names))]
            replayed = graphs.forward(slab, tokens, names).clone()
            adapters.route(list(names))
            assert torch.allclose(replayed, plain.forward(model, tokens), atol=1e-4)

    grow([[5, 6, 7]], "")
    steps(3)
    adapters.add("red", read_adapter(folders[1], model))
    grow([[8, 9, 10, 11], [9, 9, 9, 9]], "red")
    steps(3)
    grow([[12] * 120, [13] * 120], "")
    steps(12)  # past 128 columns
    for each in (slab, plain):
        order = each.drop([0, 3])
    names[:] = [names[at] for at in order]
    steps(3)
    adapters.remove("red")
    assert graphs.usable


@torch.inference_mode()
@pytest.mark.parametrize("rows", ["rrbg", "rbgr", "bbrg", "grgr", "rrrr", "b"])
def test_each_row_gets_the_product_of_its_own_adapter_wherever_it_stands(rows: str) -> None:
    chance = torch.Generator().manual_seed(3)

    def drawn(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=chance)

    base, routing = torch.nn.Linear(8, 12, bias=False), Routing()
    layer = LoraLinear(base, routing, torch.float32)
    pairs = {"red": LoraMatrices(drawn(3, 8), drawn(12, 3), 0.5)}
    pairs["green"] = LoraMatrices(drawn(5, 8), drawn(12, 5), 2.0)
    for name, pair in pairs.items():
        layer.put(name, pair)
    names = [{"r": "red", "g": "green", "b": ""}[letter] for letter in rows]
    routing.set(names)
    x = drawn(len(rows), 4, 8)
    out = layer(x)
    for at, name in enumerate(names):
        expected = base(x[at])
        if name:
            expected = expected + x[at] @ pairs[name].down.t() @ pairs[name].up.t() * pairs[name].scale
        torch.testing.assert_close(out[at], expected)


@torch.inference_mode()
def test_rows_join_with_their_prefix_at_the_left_and_the_rest_behind_it() -> None:
    slab, lengths, prefix, read = Slab(), [5, 7, 4], 2, 8
    layers = [(torch.randn(3, 2, read, 4), torch.randn(3, 2, read, 4)) for _layer in range(2)]
    slab.join(layers, lengths, prefix)
    slab.join(layers, lengths, prefix)
    for (key, value), kept in zip(layers, slab._layers, strict=True):
        for new, held in zip((key, value), kept, strict=True):
            for row, length in enumerate(lengths * 2):
                source = new[row % 3]
                whole = torch.cat([source[:, :prefix], source[:, read - length + prefix :]], dim=1)
                assert torch.equal(held[row, :, :length], whole)
    assert slab.lengths == lengths * 2
