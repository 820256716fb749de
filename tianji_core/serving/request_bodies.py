"""The requests of OpenAI's API that the server answers, checked field by field.

A field is supported, or it makes no difference to a text model and OpenAI's own clients send it, or the
request is refused with its name: nothing that a person asks for is dropped silently.
"""

from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StrictBool,
    field_validator,
    model_validator,
)

from tianji_core.i18n import _
from tianji_core.model_folders.messages import ChatMessage

DEFAULT_MAX_TOKENS = 512
"""Maximum tokens of an answer when a chat request sets none; the longest blessing style needs about 400."""

DEFAULT_COMPLETION_TOKENS = 16
"""The same for ``/v1/completions``, as OpenAI has it."""

MAX_CHOICES = 64
"""Answers of one request: prompts times ``n``."""

LEAST_TEMPERATURE = 1e-3
"""Below, the most likely token is taken: the quotient of a logit and the temperature would overflow."""

WITHOUT_EFFECT = frozenset(
    {
        "metadata",
        "moderation",
        "parallel_tool_calls",
        "prediction",
        "prompt_cache_key",
        "prompt_cache_options",
        "prompt_cache_retention",
        "reasoning_effort",
        "safety_identifier",
        "service_tier",
        "store",
        "user",
        "verbosity",
    }
)
"""Fields of OpenAI's clients about accounts, caching and reasoning, which change nothing here."""


Token = Annotated[int, Field(ge=0, lt=2**31)]


def _given(value: Any) -> Any:
    """Returns a request without the fields that are null, which mean their default, and those without
    effect."""
    if not isinstance(value, dict):
        return value
    return {key: each for key, each in value.items() if each is not None and key not in WITHOUT_EFFECT}


class StreamOptions(BaseModel):
    """Whether the last chunk of a stream carries the token counts. ``include_obfuscation`` is about OpenAI's
    network and has no effect."""

    model_config = ConfigDict(extra="forbid")

    include_usage: bool = False
    include_obfuscation: bool = False


class SamplingRequest(BaseModel):
    """The fields that chats and completions share. Where ``temperature`` or ``top_p`` is None, that of the
    model's own ``generation_config.json`` counts, else 1. ``top_k``, ``min_p`` and ``repetition_penalty`` are
    those of vLLM and transformers; 0 and -1 turn ``top_k`` off."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    model: str
    stream: bool = False
    stream_options: StreamOptions | None = None
    temperature: float | None = Field(default=None, ge=0, le=5)
    top_p: float | None = Field(default=None, gt=0, le=1)
    top_k: int = Field(default=0, ge=-1, le=2**31)
    min_p: float = Field(default=0.0, ge=0, le=1)
    max_tokens: int | None = Field(default=None, ge=1, le=2**31)
    stop: list[Annotated[str, Field(max_length=256)]] = Field(default=[], max_length=8)
    seed: int | None = Field(default=None, ge=-(2**63), le=2**63 - 1)
    repetition_penalty: float = Field(default=1.0, ge=0.01, le=5)
    presence_penalty: float = Field(default=0.0, ge=-2, le=2)
    frequency_penalty: float = Field(default=0.0, ge=-2, le=2)
    logit_bias: dict[Token, Annotated[float, Field(ge=-100, le=100)]] = Field(default={}, max_length=1024)
    n: int = Field(default=1, ge=1, le=8)

    @model_validator(mode="before")
    @classmethod
    def _without_nulls(cls, value: Any) -> Any:
        return _given(value)

    @field_validator("stop", mode="before")
    @classmethod
    def _as_list(cls, value: Any) -> Any:
        return [value] if isinstance(value, str) else value

    @field_validator("stop")
    @classmethod
    def _no_empty_stop(cls, value: list[str]) -> list[str]:
        return [text for text in value if text]

    @field_validator("temperature")
    @classmethod
    def _least(cls, value: float) -> float:
        return value if value >= LEAST_TEMPERATURE else 0.0


class JsonSchema(BaseModel):
    """The ``json_schema`` of a response format. Answers always follow ``schema``; ``strict`` and the others
    change nothing."""

    model_config = ConfigDict(extra="forbid", protected_namespaces=())

    name: str = ""
    description: str | None = None
    strict: bool | None = None
    form: dict[str, Any] = Field(alias="schema")


class ResponseFormat(BaseModel):
    """The form of an answer: any text, any JSON object, or JSON of a schema."""

    model_config = ConfigDict(extra="forbid")

    type: Literal["text", "json_object", "json_schema"] = "text"
    json_schema: JsonSchema | None = None

    @model_validator(mode="after")
    def _schema_given(self) -> Self:
        if (self.type == "json_schema") != (self.json_schema is not None):
            raise ValueError(_("的 json_schema 应当和 type 为 json_schema 一起给"))
        return self

    @property
    def schema_value(self) -> dict[str, Any] | None:
        """The JSON schema of the answer, None for any text."""
        if self.type == "text":
            return None
        return {"type": "object"} if self.json_schema is None else self.json_schema.form


class ChatRequest(SamplingRequest):
    """``POST /v1/chat/completions``."""

    messages: list[ChatMessage] = Field(min_length=1)
    max_completion_tokens: int | None = Field(default=None, ge=1, le=2**31)
    logprobs: StrictBool = False
    top_logprobs: int = Field(default=0, ge=0, le=20)
    response_format: ResponseFormat = ResponseFormat()
    modalities: list[Literal["text"]] = ["text"]
    chat_template_kwargs: dict[str, Any] = {}
    tools: Any = None
    functions: Any = None
    tool_choice: Any = None
    function_call: Any = None
    audio: Any = None
    web_search_options: Any = None

    @field_validator("tools", "functions", "tool_choice", "function_call")
    @classmethod
    def _no_tools(cls, value: Any) -> Any:
        if value not in ([], "none"):
            raise ValueError(_("用不了：这里的模型不会调用工具，请去掉它"))
        return value

    @field_validator("chat_template_kwargs")
    @classmethod
    def _without_thinking(cls, value: dict[str, Any]) -> dict[str, Any]:
        """Takes vLLM's way to turn thinking off, which is off here."""
        if set(value) - {"enable_thinking"} or value.get("enable_thinking") not in (None, False):
            raise ValueError(_("用不了：这里按训练时的对话模板提问，不带思考，请去掉它"))
        return value

    @field_validator("audio", "web_search_options")
    @classmethod
    def _text_only(cls, _value: Any) -> Any:
        raise ValueError(_("用不了：这里的模型只写文字，请去掉它"))

    @model_validator(mode="before")
    @classmethod
    def _tools_that_may_not_be_called(cls, value: Any) -> Any:
        """Drops the tools of a request which forbids to call them."""
        if isinstance(value, dict) and value.get("tool_choice") == "none":
            return {key: each for key, each in value.items() if key != "tools"}
        return value

    @model_validator(mode="after")
    def _top_of_logprobs(self) -> Self:
        if self.top_logprobs and not self.logprobs:
            raise ValueError(_("有 top_logprobs 时，logprobs 应当是 true"))
        return self

    @property
    def token_limit(self) -> int:
        """The maximum number of tokens of an answer."""
        return self.max_completion_tokens or self.max_tokens or DEFAULT_MAX_TOKENS

    @property
    def likely(self) -> int | None:
        """The number of likely tokens to name beside each token, None for no log probabilities."""
        return self.top_logprobs if self.logprobs else None


class CompletionRequest(SamplingRequest):
    """``POST /v1/completions``: text or tokens are continued as they are, without a chat template."""

    prompt: Any
    echo: StrictBool = False
    logprobs: int | None = Field(default=None, ge=0, le=5)
    best_of: int = Field(default=1, ge=1)
    suffix: str = ""

    @field_validator("prompt")
    @classmethod
    def _texts_or_tokens(cls, value: Any) -> Any:
        prompts = value if isinstance(value, list) and not _are_tokens(value) else [value]
        if not prompts or not all(isinstance(each, str) or _are_tokens(each) for each in prompts):
            raise ValueError(_("应当是文字、一组文字、一组 token 编号，或者几组 token 编号"))
        return prompts

    @field_validator("suffix")
    @classmethod
    def _no_suffix(cls, value: str) -> str:
        if value:
            raise ValueError(_("用不了：这里的模型只往后写，不会填中间"))
        return value

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if self.best_of not in (1, self.n):
            raise ValueError(_("best_of 用不了，请去掉它，或者让它等于 n"))
        if self.echo and self.logprobs is not None:
            raise ValueError(_("echo 和 logprobs 不能一起用"))
        if len(self.prompts) * self.n > MAX_CHOICES:
            raise ValueError(_("一次最多要 {limit} 个回答（prompt 的个数乘以 n）", limit=MAX_CHOICES))
        return self

    @property
    def prompts(self) -> list[str | list[int]]:
        """The prompts, each a text or tokens."""
        return self.prompt

    @property
    def token_limit(self) -> int:
        """The maximum number of tokens of an answer."""
        return self.max_tokens or DEFAULT_COMPLETION_TOKENS

    @property
    def likely(self) -> int | None:
        """The number of likely tokens to name beside each token, None for no log probabilities."""
        return self.logprobs


def _are_tokens(value: Any) -> bool:
    return (
        isinstance(value, list)
        and bool(value)
        and all(type(each) is int and 0 <= each < 2**31 for each in value)
    )


def _printable(name: str) -> str:
    if not name.isprintable():
        raise ValueError(_("里有看不见的字符"))
    return name


AdapterName = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_printable)]
"""A name for requests, logs and metrics."""


class LoadRequest(BaseModel):
    """``POST /v1/load_lora_adapter``, as vLLM has it; ``base_model`` names the base where there are
    several."""

    model_config = ConfigDict(extra="forbid")

    lora_name: AdapterName
    lora_path: str = Field(min_length=1)
    base_model: str = ""


class UnloadRequest(BaseModel):
    """``POST /v1/unload_lora_adapter``; ``lora_int_id`` is vLLM's own number of an adapter, not used here."""

    model_config = ConfigDict(extra="forbid")

    lora_name: AdapterName
    lora_int_id: int | None = None
