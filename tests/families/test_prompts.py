"""Training, serving and an independent rendering make the same token ids of a conversation, for every kind of
tokenizer: those trained here, and the real ones in the folder that ``TIANJI_REAL_TOKENIZERS`` names."""

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.families import tokenizers
from tests.families.bases import OWN_CODE
from tianji_core.model_folders.foreign_code import prepare_transformers
from tianji_core.model_folders.messages import ChatMessage
from tianji_core.model_folders.prompt import encode, stop_tokens
from tianji_core.model_folders.template import OWN_TEMPLATE, TEMPLATES, native_template
from tianji_core.project import CONFIGS
from tianji_core.training import default_settings
from tianji_core.training.estimate import estimate

SYSTEM = "你是送祝福大师 ~"
TURNS = (
    ("祝妹妹生日", "生日快乐🎉，　愿你  岁岁年年！"),
    (" 再来一条,小红书风格\n第二行", "Happy birthday 2025～"),
    ("谢谢", "不客气。"),
)


def own(folder: Path, fast: bool) -> None:
    tokenizers.write_own(folder, fast)
    for path in OWN_CODE.glob("tokenization*.py"):
        shutil.copyfile(path, folder / path.name)


def without_bos(folder: Path) -> None:
    """A tokenizer without a beginning token whose class xtuner does not know."""
    tokenizers.write_llama3(folder)
    config = json.loads((folder / "tokenizer_config.json").read_text())
    rust = json.loads((folder / "tokenizer.json").read_text())
    rust["post_processor"] = None
    (folder / "tokenizer.json").write_text(json.dumps(rust))
    config["bos_token"] = None
    config["chat_template"] = tokenizers.CHATML
    tokenizers.write_config(folder, config)


def ending(folder: Path) -> None:
    """A tokenizer that puts an end token behind every text."""
    tokenizers.write_llama(folder)
    config = json.loads((folder / "tokenizer_config.json").read_text())
    tokenizers.write_config(folder, {**config, "add_eos_token": True})


KINDS: dict[str, Callable[[Path], object]] = {
    "own code, fast": lambda folder: own(folder, True),
    "own code, slow": lambda folder: own(folder, False),
    "llama": tokenizers.write_llama,
    "llama, ends every text": ending,
    "llama3": tokenizers.write_llama3,
    "no beginning token": without_bos,
    "qwen": tokenizers.write_qwen,
    "qwen with a beginning token": lambda folder: tokenizers.write_qwen(folder, bos="<|endoftext|>"),
}
REAL = {f"real: {folder.name}": folder for folder in tokenizers.real_tokenizers()}


@pytest.fixture(params=[*KINDS, *REAL])
def folder(request, tmp_path):
    if request.param in REAL:
        return REAL[request.param]
    made = tmp_path / "一个 词表.v1"
    made.mkdir()
    KINDS[request.param](made)
    return made


@pytest.fixture
def tokenizer(folder):
    from transformers import AutoTokenizer

    prepare_transformers()
    return AutoTokenizer.from_pretrained(folder, trust_remote_code=True, padding_side="right")


def trained(tokenizer, template: str, count: int) -> tuple[list[int], list[int]]:
    """The ids and labels that the trainer makes of the first ``count`` turns."""
    from xtuner.dataset import map_fns, utils

    from tianji_core.training.xtuner_engine.prompt_ids import use_our_ids

    use_our_ids()
    turns = [{"system": "" if n else SYSTEM, "input": i, "output": o} for n, (i, o) in enumerate(TURNS)]
    mapped = map_fns.template_map_fn_factory(f"xtuner.utils.PROMPT_TEMPLATE.{template}")
    made = utils.encode_fn(mapped({"conversation": turns[:count]}), tokenizer, 2048)
    return made["input_ids"], made["labels"]


def asked(count: int) -> list[ChatMessage]:
    """The conversation whose last message is question number ``count``."""
    messages = [ChatMessage(role="system", content=SYSTEM)]
    for question, answer in TURNS[:count]:
        messages += [
            ChatMessage(role="user", content=question),
            ChatMessage(role="assistant", content=answer),
        ]
    return messages[:-1]


def independent(folder: Path, tokenizer, messages: list[ChatMessage]) -> list[int]:
    """The ids by the libraries below transformers, text between two markers for itself, and the chat markup
    written out here."""
    parts: list[str] = []
    for message in messages:
        parts += ["<|im_start|>", f"{message.role}\n{message.content}", "<|im_end|>", "\n"]
    parts += ["<|im_start|>", "assistant\n"]
    marks = {name: tokenizer.convert_tokens_to_ids(name) for name in tokenizers.MARKERS}
    read = plain_reader(folder)
    ids: list[int] = []
    for part in parts:
        ids += [marks[part]] if part in marks else read(part)
    config = json.loads((folder / "tokenizer_config.json").read_text(encoding="utf-8"))
    bos = config.get("bos_token")
    qwen = "Qwen" in config["tokenizer_class"]
    return ids if bos is None or qwen else [tokenizer.convert_tokens_to_ids(bos), *ids]


def plain_reader(folder: Path) -> Callable[[str], list[int]]:
    if (folder / "tokenizer.model").exists():
        from sentencepiece import SentencePieceProcessor

        processor = SentencePieceProcessor(model_file=str(folder / "tokenizer.model"))
        return processor.encode
    if (folder / "tokenizer.json").exists():
        from tokenizers import Tokenizer

        rust = Tokenizer.from_file(str(folder / "tokenizer.json"))
        return lambda text: rust.encode(text, add_special_tokens=False).ids
    from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers

    rust = Tokenizer(models.BPE.from_file(str(folder / "vocab.json"), str(folder / "merges.txt")))
    rust.normalizer = normalizers.NFC()
    # The pattern that Qwen published with its tokenizer.
    pattern = (
        r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+"
        r"|\s+(?!\S)|\s+"
    )
    rust.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(pattern), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    return lambda text: rust.encode(text).ids


@pytest.mark.parametrize("template", [name for name, each in TEMPLATES.items() if each.end == "<|im_end|>"])
def test_training_serving_and_an_independent_rendering_agree(folder, tokenizer, template):
    ids, labels = trained(tokenizer, template, len(TURNS))
    for count in range(1, len(TURNS) + 1):
        prompt = encode(tokenizer, template, asked(count))
        assert prompt == independent(folder, tokenizer, asked(count))
        assert ids[: len(prompt)] == prompt
        if count == 1:
            assert set(labels[: len(prompt)]) == {-100} and labels[len(prompt)] == ids[len(prompt)]
    own = tokenizer.apply_chat_template(
        [message.model_dump() for message in asked(3)], add_generation_prompt=True, tokenize=True
    )
    assert own == encode(tokenizer, template, asked(3))


def test_the_end_marker_is_learnt_after_every_answer_and_ends_the_served_one(tokenizer):
    end = tokenizer.convert_tokens_to_ids("<|im_end|>")
    _ids, labels = trained(tokenizer, "internlm2_chat", len(TURNS))
    learnt = [label for label in labels if label != -100]
    assert learnt.count(end) == len(TURNS) and learnt[-1] == end
    assert end in stop_tokens(tokenizer, None)
    texts = re.split(re.escape("<|im_end|>"), tokenizer.decode(learnt))
    assert [text.strip() for text in texts[:-1]] == [
        tokenizer.decode(tokenizer.encode(a, add_special_tokens=False)).strip() for _q, a in TURNS
    ]


@pytest.mark.parametrize("kind", ["own code, fast", "llama"])
def test_the_length_of_a_training_is_foretold_with_the_tokens_that_the_configuration_adds(kind, tmp_path):
    from transformers import AutoTokenizer

    KINDS[kind](tmp_path)
    prepare_transformers()
    ids, _labels = trained(
        AutoTokenizer.from_pretrained(tmp_path, trust_remote_code=True), "internlm2_chat", 1
    )
    turn = {"system": SYSTEM, "input": TURNS[0][0], "output": TURNS[0][1]}
    settings = default_settings("nano-cpu-qlora").model_copy(update={"base": str(tmp_path)})
    guess = estimate([turn], settings)
    assert guess.exact and abs(guess.lengths[0] - len(ids)) <= 2


def test_llama3s_markup_is_the_same_in_training_chat_and_for_other_servers(tmp_path):
    from transformers import AutoTokenizer

    tokenizers.write_llama3(tmp_path, headers=True)
    tokenizer = AutoTokenizer.from_pretrained(tmp_path, padding_side="right")
    ids, labels = trained(tokenizer, "llama3_chat", len(TURNS))
    tokenizer.chat_template = (CONFIGS / "serving" / "llama3_markup.jinja").read_text(encoding="utf-8")
    for count in range(1, len(TURNS) + 1):
        prompt = encode(tokenizer, "llama3_chat", asked(count))
        assert ids[: len(prompt)] == prompt
        turns = [message.model_dump() for message in asked(count)]
        assert tokenizer.apply_chat_template(turns, add_generation_prompt=True, tokenize=True) == prompt
    first = tokenizer.decode(encode(tokenizer, "llama3_chat", asked(1)))
    assert first == (
        f"<|begin_of_text|><|start_header_id|>system<|end_header_id|>\n\n{SYSTEM}<|eot_id|>"
        f"<|start_header_id|>user<|end_header_id|>\n\n{TURNS[0][0]}<|eot_id|>"
        "<|start_header_id|>assistant<|end_header_id|>\n\n"
    )
    end = tokenizer.convert_tokens_to_ids("<|eot_id|>")
    assert [label for label in labels if label != -100].count(end) == len(TURNS)
    assert end in stop_tokens(tokenizer, None)


@pytest.mark.parametrize(("headers", "native"), [(True, "llama3_chat"), (False, OWN_TEMPLATE)])
def test_a_llama_is_asked_in_the_markup_that_its_tokenizer_knows(tmp_path, headers, native):
    tokenizers.write_llama3(tmp_path, headers=headers)
    (tmp_path / "config.json").write_text('{"model_type": "llama"}', encoding="utf-8")
    assert native_template(tmp_path) == native
