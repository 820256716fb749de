"""With the tokenizer's own chat template, training, serving and the perplexity read a conversation as
transformers renders it, and only the answers with their end marker are learnt."""

import json

import pytest

from tests.families import own_templates, tokenizers
from tests.families.own_templates import OWN
from tests.families.test_prompts import REAL, SYSTEM, TURNS, asked, trained
from tianji_core.errors import ChatTemplateError, InputError
from tianji_core.evaluation.sweep.perplexity import tokenized_texts
from tianji_core.model_folders.messages import ChatMessage
from tianji_core.model_folders.own_template import DAY, ending_of
from tianji_core.model_folders.prompt import encode, stop_tokens
from tianji_core.model_folders.template import OWN_TEMPLATE

TEMPLATES = {
    "qwen2.5": own_templates.QWEN25,
    "qwen3": own_templates.QWEN3,
    "mistral": own_templates.MISTRAL,
}


def loaded(folder):
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(folder, trust_remote_code=True, padding_side="right")


@pytest.fixture
def tokenizer(tmp_path, request):
    OWN[request.param](tmp_path)
    return loaded(tmp_path)


def by_transformers(tokenizer, messages: list[ChatMessage], opens: bool = True) -> list[int]:
    """The ids that transformers makes, on the day that every prompt is written on."""
    turns = [message.model_dump() for message in messages]
    return tokenizer.apply_chat_template(turns, add_generation_prompt=opens, tokenize=True, date_string=DAY)


def whole(count: int) -> list[ChatMessage]:
    """The conversation up to the answer to question number ``count``."""
    return [*asked(count), ChatMessage(role="assistant", content=TURNS[count - 1][1])]


ALL = pytest.mark.parametrize("tokenizer", OWN, indirect=True)


@ALL
def test_a_prompt_is_what_transformers_renders_and_its_answer_is_all_that_is_learnt(tokenizer):
    for count in range(1, len(TURNS) + 1):
        assert encode(tokenizer, OWN_TEMPLATE, asked(count)) == by_transformers(tokenizer, asked(count))
    ids, labels = trained(tokenizer, OWN_TEMPLATE, 1)
    prompt = by_transformers(tokenizer, asked(1))
    assert ids[: len(prompt)] == prompt and labels[: len(prompt)] == [-100] * len(prompt)
    assert labels[len(prompt) :] == ids[len(prompt) :]
    assert labels[-1] in stop_tokens(tokenizer, None)
    assert (
        tokenizer.decode(ids[len(prompt) :], skip_special_tokens=True).strip()
        == tokenizer.decode(tokenizer.encode(TURNS[0][1], add_special_tokens=False)).strip()
    )


@pytest.mark.parametrize("tokenizer", ["qwen2.5", "llama3", "mistral"], indirect=True)
def test_a_conversation_of_several_turns_is_what_transformers_renders(tokenizer):
    ids, labels = trained(tokenizer, OWN_TEMPLATE, len(TURNS))
    rendered = by_transformers(tokenizer, whole(len(TURNS)), opens=False)
    assert ids == rendered[: len(ids)]
    assert tokenizer.decode(rendered[len(ids) :]).strip() == ""  # the line break behind the last marker
    end = tokenizer.convert_tokens_to_ids(ending_of(tokenizer).marker)
    assert [label for label in labels if label != -100].count(end) == len(TURNS)


@pytest.mark.parametrize("tokenizer", ["qwen3", "mistral, system prompt last"], indirect=True)
def test_every_answer_follows_the_very_prompt_that_serving_makes(tokenizer):
    ids, labels = trained(tokenizer, OWN_TEMPLATE, len(TURNS))
    answers = [at for at in range(1, len(ids)) if labels[at] != -100 and labels[at - 1] == -100]
    assert len(answers) == len(TURNS)
    for count, at in enumerate(answers, start=1):
        prompt = by_transformers(tokenizer, asked(count))
        assert ids[at - len(prompt) : at] == prompt


@pytest.mark.parametrize("tokenizer", ["qwen3"], indirect=True)
def test_an_empty_block_of_thoughts_is_neither_learnt_nor_served(tokenizer):
    ids, _labels = trained(tokenizer, OWN_TEMPLATE, len(TURNS))
    texts = [tokenizer.decode(ids), tokenizer.decode(encode(tokenizer, OWN_TEMPLATE, asked(3)))]
    assert not any("think" in text for text in texts)
    assert "<think>" in tokenizer.apply_chat_template(
        [message.model_dump() for message in whole(1)], tokenize=False
    )


@pytest.mark.parametrize("tokenizer", ["llama3"], indirect=True)
def test_a_template_that_writes_the_date_writes_the_same_one_every_day(tokenizer):
    assert DAY in tokenizer.decode(encode(tokenizer, OWN_TEMPLATE, asked(1)))


@ALL
def test_control_tokens_in_what_a_person_types_stay_out(tokenizer):
    marker = ending_of(tokenizer).marker
    typed = [ChatMessage(role="user", content=f"祝妹妹{marker}生日")]
    plain = [ChatMessage(role="user", content="祝妹妹生日")]
    assert encode(tokenizer, OWN_TEMPLATE, typed) == encode(tokenizer, OWN_TEMPLATE, plain)


@ALL
def test_the_perplexity_reads_the_validation_file_as_the_training_does(tokenizer, tmp_path):
    turn = {"system": SYSTEM, "input": TURNS[0][0], "output": TURNS[0][1]}
    file = tmp_path / "validation.json"
    file.write_text(json.dumps([{"conversation": [turn]}]), encoding="utf-8")
    (text,) = tokenized_texts(tokenizer, OWN_TEMPLATE, file, 1)
    assert (text.ids, text.labels) == trained(tokenizer, OWN_TEMPLATE, 1)


CHATML = tokenizers.CHATML
REFUSED = {
    "missing": None,
    "refuses": "{{ raise_exception('no system prompt') if messages[0]['role'] == 'system' }}" + CHATML,
    "loses": CHATML.replace("message in messages", "message in messages[1:]"),
    "between": (
        "{% for message in messages %}{{ '<|im_start|>' + message['role'] + ': ' }}"
        "{% if message['role'] == 'assistant' %}{{ 'I think: ' }}{% endif %}"
        "{{ message['content'] + '<|im_end|>' }}{% endfor %}"
        "{% if add_generation_prompt %}{{ '<|im_start|>assistant: ' }}{% endif %}"
    ),
    "endless": CHATML.replace("'<|im_end|>' + ", "'' + "),
}


@pytest.mark.parametrize("fault", REFUSED)
def test_a_template_out_of_which_no_answer_can_be_cut_is_refused_in_a_sentence(tmp_path, fault):
    tokenizers.write_qwen(tmp_path)
    own_templates.with_template(tmp_path, REFUSED[fault])
    tokenizer = loaded(tmp_path)
    with pytest.raises(ChatTemplateError) as refused:
        trained(tokenizer, OWN_TEMPLATE, 1)
    assert refused.value.fault == fault and "\n" not in str(refused.value)
    if fault in ("missing", "refuses"):
        with pytest.raises(InputError, match="模板"):
            encode(tokenizer, OWN_TEMPLATE, asked(1))


@pytest.mark.parametrize("folder", REAL.values(), ids=REAL)
@pytest.mark.parametrize("template", TEMPLATES)
def test_real_tokenizers_read_a_template_as_transformers_does(folder, template):
    tokenizer = loaded(folder)
    tokenizer.chat_template = TEMPLATES[template]
    if tokenizer.bos_token is None or tokenizer.eos_token is None:
        tokenizer.chat_template = tokenizer.chat_template.replace("{{- bos_token }}", "")
    ids, labels = trained(tokenizer, OWN_TEMPLATE, 1)
    prompt = by_transformers(tokenizer, asked(1))
    assert encode(tokenizer, OWN_TEMPLATE, asked(1)) == prompt == ids[: len(prompt)]
    assert labels[len(prompt) :] == ids[len(prompt) :] and labels[-1] in stop_tokens(tokenizer, None)
