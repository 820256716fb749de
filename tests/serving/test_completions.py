"""``/v1/completions`` and log probabilities, as OpenAI's own client sees them."""

import math

import openai
import pytest
import torch

from tests.serving.conftest import Folders
from tests.serving.test_server import ASK, text_of

PROMPT = "祝赵老师生日快乐，"


@pytest.fixture(scope="module")
def reference(folders: Folders):
    """Tokenizer and model of the base."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    return AutoTokenizer.from_pretrained(folders.base), AutoModelForCausalLM.from_pretrained(folders.base)


def test_a_prompt_is_continued_as_transformers_continues_it(client: openai.OpenAI, reference) -> None:
    tokenizer, model = reference
    ids = tokenizer(PROMPT, return_tensors="pt").input_ids
    stops = [2, *tokenizer.convert_tokens_to_ids(["<|im_start|>", "<|im_end|>"])]
    out = model.generate(ids, max_new_tokens=20, do_sample=False, eos_token_id=stops, pad_token_id=2)
    expected = tokenizer.decode(out[0, ids.shape[1] :], skip_special_tokens=True)
    text = client.completions.create(model="base", prompt=PROMPT, max_tokens=20, temperature=0)
    tokens = client.completions.create(model="base", prompt=ids[0].tolist(), max_tokens=20, temperature=0)
    assert text.choices[0].text == tokens.choices[0].text == expected
    assert text.usage == tokens.usage
    assert (text.object, text.id[:5]) == ("text_completion", "cmpl-")


def test_sixteen_tokens_where_none_are_asked_for(client: openai.OpenAI) -> None:
    answer = client.completions.create(model="base", prompt=PROMPT, temperature=0, logit_bias={"12": 100})
    assert (answer.usage.completion_tokens, answer.choices[0].finish_reason) == (16, "length")


def test_several_prompts_and_choices_come_in_order(client: openai.OpenAI) -> None:
    def one(prompt: str, seed: int) -> str:
        return client.completions.create(model="red", prompt=prompt, seed=seed).choices[0].text

    answer = client.completions.create(model="red", prompt=["祝大舅", "祝您"], n=2, seed=5)
    texts = [choice.text for choice in answer.choices]
    assert [choice.index for choice in answer.choices] == [0, 1, 2, 3]
    assert texts == [one("祝大舅", 5), one("祝大舅", 6), one("祝您", 5), one("祝您", 6)]


def test_echo_puts_the_prompt_in_front_also_in_a_stream(client: openai.OpenAI) -> None:
    plain = client.completions.create(model="base", prompt=PROMPT, temperature=0).choices[0].text
    whole = client.completions.create(model="base", prompt=PROMPT, temperature=0, echo=True)
    events = client.completions.create(
        model="base",
        prompt=PROMPT,
        temperature=0,
        echo=True,
        stream=True,
        stream_options={"include_usage": True},
    )
    seen = list(events)
    assert whole.choices[0].text == PROMPT + plain
    assert "".join(event.choices[0].text for event in seen if event.choices) == PROMPT + plain
    assert seen[-1].usage == whole.usage and not any(event.usage for event in seen[:-1])


@pytest.mark.parametrize(
    ("options", "param"),
    [
        ({"prompt": ""}, "prompt"),
        ({"prompt": []}, "prompt"),
        ({"prompt": [1, "祝"]}, "prompt"),
        ({"prompt": [10**6]}, "prompt"),
        ({"prompt": [-1]}, "prompt"),
        ({"prompt": [True]}, "prompt"),
        ({"prompt": ["祝"] * 65}, None),
        ({"suffix": "快乐"}, "suffix"),
        ({"best_of": 3}, None),
        ({"echo": True, "logprobs": 1}, None),
        ({"logprobs": 6}, "logprobs"),
        ({"logit_bias": {"1000000": 1}}, "logit_bias"),
        ({"logit_bias": {"5": 101}}, "logit_bias.5"),
    ],
)
def test_what_a_completion_cannot_do_is_said(client: openai.OpenAI, options: dict, param: str | None) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        client.completions.create(**{"model": "base", "prompt": PROMPT, **options})
    assert caught.value.param == param and caught.value.body["message"]


def test_log_probabilities_are_those_of_the_model_itself(client: openai.OpenAI, reference) -> None:
    """Before temperature, penalties and limits; likeliest first."""
    tokenizer, model = reference
    answer = client.completions.create(
        model="base", prompt=PROMPT, max_tokens=12, temperature=1.5, seed=4, top_p=0.9, logprobs=3
    )
    said = answer.choices[0].logprobs
    ids = tokenizer(PROMPT).input_ids
    for token, logprob, top in zip(said.tokens, said.token_logprobs, said.top_logprobs, strict=True):
        with torch.no_grad():
            logs = model(torch.tensor([ids])).logits[0, -1].log_softmax(-1)
        number = tokenizer.convert_tokens_to_ids(token)
        assert logprob == pytest.approx(float(logs[number]), abs=1e-4)
        assert list(top.values()) == pytest.approx(logs.topk(3).values.tolist(), abs=1e-4)
        assert list(top) == tokenizer.convert_ids_to_tokens(logs.topk(3).indices.tolist())
        ids.append(number)
    assert "".join(said.tokens) == answer.choices[0].text
    assert said.text_offset == list(range(len(said.tokens)))


def test_log_probabilities_of_a_chat_whole_and_streamed(client: openai.OpenAI) -> None:
    options = {
        "model": "red",
        "messages": ASK,
        "max_tokens": 20,
        "temperature": 1,
        "seed": 6,
        "logprobs": True,
        "top_logprobs": 2,
    }
    whole = client.chat.completions.create(**options).choices[0]
    content = whole.logprobs.content
    assert "".join(bytes(each.bytes or []).decode() for each in content) == whole.message.content
    assert all(len(each.top_logprobs) == 2 for each in content)
    assert all(each.logprob <= each.top_logprobs[0].logprob + 1e-6 for each in content)
    assert math.fsum(math.exp(each.logprob) for each in content[0].top_logprobs) <= 1
    streamed = [
        each
        for event in client.chat.completions.create(**options, stream=True)
        if event.choices and event.choices[0].logprobs
        for each in event.choices[0].logprobs.content
    ]
    assert [each.token for each in streamed] == [each.token for each in content]
    assert [each.logprob for each in streamed] == pytest.approx([each.logprob for each in content], abs=1e-4)
    assert text_of(client, "red", max_tokens=20, temperature=1, seed=6) == whole.message.content


@pytest.mark.parametrize("stream", [False, True])
def test_tokens_of_a_stop_string_have_no_log_probabilities(client: openai.OpenAI, stream: bool) -> None:
    stop = text_of(client, temperature=0)[8:11]
    options = {"model": "base", "messages": ASK, "temperature": 0, "stop": stop, "logprobs": True}
    if stream:
        choices = [e.choices[0] for e in client.chat.completions.create(**options, stream=True) if e.choices]
        text = "".join(choice.delta.content or "" for choice in choices)
        content = [each for choice in choices if choice.logprobs for each in choice.logprobs.content]
    else:
        choice = client.chat.completions.create(**options).choices[0]
        text, content = choice.message.content, choice.logprobs.content
    assert stop not in text and "".join(each.token for each in content) == text


def test_no_log_probabilities_where_none_are_asked_for(client: openai.OpenAI) -> None:
    answer = client.chat.completions.create(model="base", messages=ASK, max_tokens=3)
    assert answer.choices[0].logprobs is None
