"""The shipped tokenizer: nothing is unknown, nothing is lost, and a conversation looks as it does in
training."""

import pytest

from tianji_core.models.nano import nano_base, split_cells
from tianji_core.models.nano import template as layout
from tianji_core.models.nano.corpus import compose_blessings
from tianji_core.models.nano.tokenizer import vocabulary
from tianji_core.recipe import built_in_recipes, kept_cells, load_recipe
from tianji_core.teachers.composer import Composer


@pytest.fixture(scope="module")
def tokenizer():
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(nano_base())


@pytest.mark.parametrize(
    "text",
    [
        "祝母亲生日快乐，愿您身体健康🎂",
        "  two spaces,\ttabs\nand lines \n",
        "龘靐齉 ñandú 🫠 👨‍👩‍👧 ❤️",
        "",
    ],
)
def test_text_survives_encoding_and_decoding(tokenizer, text):
    assert tokenizer.decode(tokenizer.encode(text, add_special_tokens=False)) == text


def test_special_tokens_in_a_conversation_are_one_token_each(tokenizer):
    ids = tokenizer.encode(layout.prompt("你好", "在"), add_special_tokens=False)
    assert ids[0] == tokenizer.bos_token_id
    assert ids.count(tokenizer.convert_tokens_to_ids(layout.START)) == 3
    assert ids.count(tokenizer.convert_tokens_to_ids(layout.END)) == 2


def test_what_the_composer_writes_needs_no_unknown_token_and_hardly_any_bytes(tokenizer):
    recipe = load_recipe(built_in_recipes()["wishes"])
    learnt, _kept = split_cells(kept_cells(recipe, 1))
    text = "".join(b.text for b in compose_blessings(recipe, Composer(), learnt[::4], 1, 5))
    ids = tokenizer.encode(text, add_special_tokens=False)
    pieces = tokenizer.convert_ids_to_tokens(ids)
    assert tokenizer.unk_token_id not in ids
    assert sum(piece.startswith("<0x") for piece in pieces) < len(pieces) / 1000


def test_the_vocabulary_does_not_depend_on_the_order_of_the_texts():
    assert vocabulary(["饕餮", "氍毹"]) == vocabulary(["氍毹", "饕餮"])


def test_a_conversation_is_laid_out_as_the_trainer_does(tokenizer):
    from xtuner.dataset.map_fns import template_map_fn_factory
    from xtuner.dataset.utils import encode_fn
    from xtuner.utils import PROMPT_TEMPLATE

    turns = [
        {"system": "你是助手", "input": "祝母亲生日", "output": "生日快乐！"},
        {"system": "", "input": "再来一条", "output": "福寿安康。"},
    ]
    mapped = template_map_fn_factory(PROMPT_TEMPLATE.internlm2_chat)(
        {"conversation": [dict(turn) for turn in turns]}
    )
    trained = encode_fn(mapped, tokenizer, 2048)["input_ids"]
    messages = [{"role": "system", "content": "你是助手"}]
    for turn in turns:
        messages += [
            {"role": "user", "content": turn["input"]},
            {"role": "assistant", "content": turn["output"]},
        ]
    assert tokenizer.apply_chat_template(messages, tokenize=True) == trained

    asked = tokenizer.apply_chat_template(messages[:2], tokenize=False, add_generation_prompt=True)
    assert asked == layout.prompt("祝母亲生日", "你是助手")
    assert tokenizer.decode(trained).startswith(asked + layout.answer("生日快乐！"))
