"""Chat templates in the manner of those that bases bring, each with the tokenizer that knows its markers."""

import json
from collections.abc import Callable
from pathlib import Path

from tests.families import tokenizers

QWEN25 = """{%- if messages[0]['role'] == 'system' %}
    {{- '<|im_start|>system\\n' + messages[0]['content'] + '<|im_end|>\\n' }}
{%- else %}
    {{- '<|im_start|>system\\nYou write blessings.<|im_end|>\\n' }}
{%- endif %}
{%- for message in messages %}
    {%- if message.role != 'system' or not loop.first %}
        {{- '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>' + '\\n' }}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|im_start|>assistant\\n' }}
{%- endif %}
"""
"""A default system prompt where none is given."""
QWEN3 = """{%- if messages[0].role == 'system' %}
    {{- '<|im_start|>system\\n' + messages[0].content + '<|im_end|>\\n' }}
{%- endif %}
{%- set ns = namespace(last=messages|length - 1) %}
{%- for message in messages %}
    {%- if message.role == 'user' %}{%- set ns.last = loop.index0 %}{%- endif %}
{%- endfor %}
{%- for message in messages %}
    {%- if message.role == 'user' %}
        {{- '<|im_start|>user\\n' + message.content + '<|im_end|>\\n' }}
    {%- elif message.role == 'assistant' %}
        {{- '<|im_start|>assistant\\n' }}
        {%- if loop.index0 > ns.last and loop.last %}{{- '<think>\\n\\n</think>\\n\\n' }}{%- endif %}
        {{- message.content + '<|im_end|>\\n' }}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|im_start|>assistant\\n' }}
    {%- if enable_thinking is defined and enable_thinking is false %}
        {{- '<think>\\n\\n</think>\\n\\n' }}
    {%- endif %}
{%- endif %}
"""
"""An empty block of thoughts before the last answer, and behind the prompt without thinking."""
LLAMA3 = """{{- bos_token }}
{%- if not date_string is defined %}
    {%- if strftime_now is defined %}{%- set date_string = strftime_now('%d %b %Y') %}{%- endif %}
{%- endif %}
{%- if messages[0]['role'] == 'system' %}
    {%- set said = messages[0]['content'] | trim %}
    {%- set messages = messages[1:] %}
{%- else %}
    {%- set said = '' %}
{%- endif %}
{{- '<|start_header_id|>system<|end_header_id|>\\n\\n' }}
{{- 'Today Date: ' + date_string + '\\n\\n' + said + '<|eot_id|>' }}
{%- for message in messages %}
    {{- '<|start_header_id|>' + message['role'] + '<|end_header_id|>\\n\\n' }}
    {{- message['content'] | trim + '<|eot_id|>' }}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|start_header_id|>assistant<|end_header_id|>\\n\\n' }}
{%- endif %}
"""
"""Today's date in the system prompt, and every message without the blanks around it."""
MISTRAL = """{%- if messages[0]['role'] == 'system' %}
    {%- set said = messages[0]['content'] %}
    {%- set messages = messages[1:] %}
{%- endif %}
{{- bos_token }}
{%- for message in messages %}
    {%- if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}
        {{- raise_exception('roles must alternate') }}
    {%- endif %}
    {%- if message['role'] == 'user' %}
        {%- if loop.first and said is defined %}
            {{- '[INST] ' + said + '\\n\\n' + message['content'] + ' [/INST]' }}
        {%- else %}
            {{- '[INST] ' + message['content'] + ' [/INST]' }}
        {%- endif %}
    {%- else %}
        {{- ' ' + message['content'] + eos_token }}
    {%- endif %}
{%- endfor %}
"""
"""The system prompt inside the first question, and no opening of an answer."""
MISTRAL_LAST = MISTRAL.replace("loop.first and", "loop.last and")
"""The system prompt inside the last question, so that a later prompt does not begin like the earlier one."""


def _with(write: Callable[[Path], object], template: str) -> Callable[[Path], None]:
    def made(folder: Path) -> None:
        write(folder)
        with_template(folder, template)

    return made


def with_template(folder: Path, template: str | None) -> None:
    """Gives the tokenizer in ``folder`` this chat template, or none."""
    config = json.loads((folder / "tokenizer_config.json").read_text(encoding="utf-8"))
    tokenizers.write_config(folder, {**config, "chat_template": template})


def write_mistral(folder: Path) -> int:
    """Llama's sentencepiece tokenizer as Mistral's: ``[INST]`` is text, ``</s>`` ends an answer.
    Returns the number of words."""
    count = tokenizers.write_llama(folder)
    config = json.loads((folder / "tokenizer_config.json").read_text(encoding="utf-8"))
    known = {at: each for at, each in config["added_tokens_decoder"].items() if int(at) < 3}
    changes = {"added_tokens_decoder": known, "additional_special_tokens": [], "pad_token": "<unk>"}
    tokenizers.write_config(folder, {**config, **changes, "legacy": True})
    return count - len(tokenizers.MARKERS)


OWN: dict[str, Callable[[Path], None]] = {
    "qwen2.5": _with(tokenizers.write_qwen, QWEN25),
    "qwen3": _with(tokenizers.write_qwen, QWEN3),
    "llama3": _with(lambda folder: tokenizers.write_llama3(folder, headers=True), LLAMA3),
    "mistral": _with(write_mistral, MISTRAL),
    "mistral, system prompt last": _with(write_mistral, MISTRAL_LAST),
}
