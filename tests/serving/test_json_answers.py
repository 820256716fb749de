"""Answers in a form: any JSON object, or JSON of a schema."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import jsonschema
import openai
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.serving.conftest import Server, run_server
from tests.serving.test_server import ASK
from tests.serving.tiny import CHARACTERS, make_base
from tianji_core.errors import InputError
from tianji_core.serving.vocabulary import Vocabulary

JSON_CHARACTERS = CHARACTERS + "".join(map(chr, range(32, 127))) + "称谓福字数标签节日"
WISH = {
    "type": "object",
    "properties": {
        "称谓": {"enum": ["赵老师", "大舅"]},
        "祝福": {"type": "string", "maxLength": 12},
        "字数": {"type": "integer", "minimum": 0, "maximum": 100},
        "标签": {"type": "array", "items": {"enum": ["节日", "生日"]}, "maxItems": 2},
    },
    "required": ["称谓", "祝福", "字数", "标签"],
    "additionalProperties": False,
}


@pytest.fixture(scope="module")
def json_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A model of random weights that can spell JSON."""
    home = tmp_path_factory.mktemp("json")
    base = make_base(home / "base", seed=7, characters=JSON_CHARACTERS)
    yield from run_server(["--model", f"base={base}"], home / "log")


@pytest.fixture
def speaker(json_server: Server) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=json_server.url, api_key="none", max_retries=0, timeout=60) as made:
        yield made


def of_schema(schema: dict[str, Any]) -> dict[str, Any]:
    return {"type": "json_schema", "json_schema": {"name": "wish", "schema": schema, "strict": True}}


def said(client: openai.OpenAI, form: dict[str, Any], **options: Any) -> tuple[str, str]:
    answer = client.chat.completions.create(
        model="base", messages=ASK, response_format=form, **{"max_tokens": 200, **options}
    )
    return answer.choices[0].message.content, answer.choices[0].finish_reason


@pytest.mark.parametrize("seed", range(4))
def test_an_answer_follows_its_schema(speaker: openai.OpenAI, seed: int) -> None:
    text, reason = said(speaker, of_schema(WISH), seed=seed)
    assert reason == "stop"
    jsonschema.validate(json.loads(text), WISH)


def test_any_object_is_json_as_far_as_it_goes(speaker: openai.OpenAI) -> None:
    texts = [said(speaker, {"type": "json_object"}, seed=seed, temperature=0.7) for seed in range(6)]
    assert all(text.startswith("{") for text, _reason in texts)
    ended = [text for text, reason in texts if reason == "stop"]
    assert all(isinstance(json.loads(text), dict) for text in ended)


def test_greedy_answers_alone_and_beside_free_ones_are_the_same(speaker: openai.OpenAI) -> None:
    """A form limits its own row of the batch only."""

    def free(number: int) -> str:
        answer = speaker.chat.completions.create(
            model="base", messages=ASK, temperature=0, max_tokens=20 + number
        )
        return answer.choices[0].message.content

    forms = [of_schema(WISH), of_schema({"enum": ["大舅您", "生日快乐"]}), {"type": "text"}]
    alone = [said(speaker, form, temperature=0) for form in forms], [free(at) for at in range(5)]
    with ThreadPoolExecutor(8) as pool:
        guided = pool.map(lambda form: said(speaker, form, temperature=0), forms)
        beside = list(pool.map(free, range(5)))
        assert (list(guided), beside) == alone


def test_choices_of_one_request_each_keep_their_place(speaker: openai.OpenAI) -> None:
    answer = speaker.chat.completions.create(
        model="base", messages=ASK, response_format=of_schema(WISH), n=3, seed=1, max_tokens=200
    )
    texts = [choice.message.content for choice in answer.choices]
    for text in texts:
        jsonschema.validate(json.loads(text), WISH)
    assert len(set(texts)) == 3


def test_a_streamed_answer_with_log_probabilities_has_the_form_too(speaker: openai.OpenAI) -> None:
    events = speaker.chat.completions.create(
        model="base",
        messages=ASK,
        response_format=of_schema(WISH),
        seed=2,
        max_tokens=200,
        logprobs=True,
        top_logprobs=5,
        stream=True,
    )
    text = "".join(event.choices[0].delta.content or "" for event in events if event.choices)
    jsonschema.validate(json.loads(text), WISH)


def test_an_instance_of_pydantic_comes_back(speaker: openai.OpenAI) -> None:
    """The way OpenAI's client writes it."""
    from pydantic import BaseModel, Field

    class Wish(BaseModel):
        name: str = Field(max_length=5)
        lucky: bool

    answer = speaker.chat.completions.parse(
        model="base", messages=ASK, response_format=Wish, seed=3, max_tokens=200
    )
    assert isinstance(answer.choices[0].message.parsed, Wish)


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ({"type": "json_schema"}, "json_schema"),
        ({"type": "xml"}, "只能是"),
        ({"type": "json_object", "json_schema": {"schema": {}}}, "json_schema"),
        (of_schema({"type": "nonsense"}), "nonsense"),
        (of_schema({"$ref": "http://example.com/schema"}), "不能用"),
        (of_schema({"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/a"}}}), "不能用"),
        (of_schema({"type": "string", "pattern": "("}), "不能用"),
        (of_schema({"not": {}}), "不能用"),
        (of_schema({"enum": []}), "不能用"),
        (of_schema({"const": "龘" * 100_000}), "词表里没有 JSON schema 要的字：龘"),
        (of_schema({"type": "object", "required": ["籍贯"], "properties": {"籍贯": {}}}), "籍"),
    ],
)
def test_a_schema_that_cannot_be_followed_is_refused(
    speaker: openai.OpenAI, form: dict, expected: str
) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        said(speaker, form)
    assert expected in caught.value.body["message"]
    assert str(caught.value.param).startswith("response_format")


def test_a_model_that_cannot_spell_json_says_so(client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError, match=r"词表里没有.*\["):
        said(client, {"type": "json_object"})


def tokenizers() -> dict[str, Any]:
    """Real tokenizers of each way to write tokens: byte letters, byte names, whole characters."""
    from tokenizers import ByteLevelBPETokenizer
    from transformers import AutoTokenizer, PreTrainedTokenizerFast

    from tianji_core.models.nano import nano_base

    letters = ByteLevelBPETokenizer()
    letters.train_from_iterator(["祝赵老师生日快乐 happy birthday", '{"a": 1}'] * 50, vocab_size=400)
    return {
        "byte letters": PreTrainedTokenizerFast(tokenizer_object=letters._tokenizer, eos_token="</s>"),
        "byte names": AutoTokenizer.from_pretrained(nano_base()),
    }


TOKENIZERS = tokenizers()


@pytest.mark.parametrize("kind", TOKENIZERS)
@given(text=st.text(max_size=40))
def test_tokens_spell_the_text_that_they_encode(kind: str, text: str) -> None:
    tokenizer = TOKENIZERS[kind]
    vocabulary = Vocabulary(tokenizer, len(tokenizer), frozenset([tokenizer.eos_token_id]))
    ids = tokenizer.encode(text, add_special_tokens=False)
    spelt = b"".join(vocabulary.bytes_of[token] for token in ids)
    if not vocabulary.special & set(ids):
        assert spelt == text.encode()


@pytest.mark.parametrize("kind", TOKENIZERS)
def test_a_guide_allows_what_the_tokenizer_writes(kind: str) -> None:
    tokenizer = TOKENIZERS[kind]
    vocabulary = Vocabulary(tokenizer, len(tokenizer), frozenset([tokenizer.eos_token_id]))
    guide = vocabulary.guide(WISH)
    text = json.dumps({"称谓": "大舅", "祝福": "生日🎂快乐", "字数": 9, "标签": ["生日"]}, ensure_ascii=False)
    import torch

    for token in tokenizer.encode(text, add_special_tokens=False):
        assert guide.limited(torch.zeros(vocabulary.size))[token] == 0
        guide.took(token)
    allowed = guide.limited(torch.zeros(vocabulary.size)).isfinite().nonzero().flatten().tolist()
    assert allowed == [tokenizer.eos_token_id]


def test_the_vocabulary_of_a_sentencepiece_model(tmp_path: Path) -> None:
    """Also of a slow tokenizer, whose words begin with a mark for the space."""
    import sentencepiece
    from transformers import LlamaTokenizer

    (tmp_path / "text").write_text("祝赵老师生日快乐 happy birthday to you\n" * 200, encoding="utf-8")
    sentencepiece.SentencePieceTrainer.train(
        input=str(tmp_path / "text"),
        model_prefix=str(tmp_path / "tokenizer"),
        vocab_size=310,
        byte_fallback=True,
        minloglevel=2,
        model_type="bpe",
    )
    tokenizer = LlamaTokenizer(str(tmp_path / "tokenizer.model"), legacy=False)
    vocabulary = Vocabulary(tokenizer, len(tokenizer) + 3, frozenset([2]))
    ids = tokenizer.encode("祝您 happy 🎂", add_special_tokens=False)
    assert b"".join(vocabulary.bytes_of[token] for token in ids).decode().strip() == "祝您 happy 🎂"
    assert vocabulary.guide({"type": "object"})
    assert vocabulary.bytes_of[-1] == b"" == vocabulary.bytes_of[1]
    with pytest.raises(InputError, match="不能用"):
        vocabulary.guide({"type": "nonsense"})
