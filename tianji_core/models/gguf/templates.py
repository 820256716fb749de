"""The chat template of a GGUF file, in Jinja for llama.cpp and in Go for Ollama. Both begin a conversation
that has no system prompt with the one of the training."""

import json
import re

from tianji_core.model_folders.own_template import DAY
from tianji_core.model_folders.template import TEMPLATES

_FIELD = re.compile(r"\{(role|content)\}")


def chat_template(template: str, system: str, own: str = "") -> str:
    """Returns the Jinja template of a named ``template``, else ``own``, the tokenizer's own; '' without
    either.

    The beginning token is not part of a named one: llama.cpp puts it in front by a setting of the file.
    """
    if template not in TEMPLATES:
        return own and _with_system(system) + own
    form = TEMPLATES[template]
    head = ""
    if system:
        said = _literal(form.turn.format(role="system", content=system))
        head = f"{{% if messages[0]['role'] != 'system' %}}{{{{ {said} }}}}{{% endif %}}"
    pieces = _FIELD.split(form.turn)
    turn = " + ".join(
        f"message['{piece}']" if number % 2 else _literal(piece) for number, piece in enumerate(pieces)
    )
    turns = (
        "{% for message in messages %}"
        "{% if message['role'] != 'system' or message['content'] | trim %}"
        f"{{{{ {turn} }}}}{{% endif %}}{{% endfor %}}"
    )
    return f"{head}{turns}{{% if add_generation_prompt %}}{{{{ {_literal(form.opening)} }}}}{{% endif %}}"


def _with_system(system: str) -> str:
    """Returns what has a conversation without a system prompt begin with ``system``, and one with an empty
    system prompt with none, before a template reads it; the date is that of the training."""
    given = "messages[0]['role'] == 'system'"
    said = f"[{{'role': 'system', 'content': {_literal(system)}}}]"
    added = f"{{% if not {given} %}}{{% set messages = {said} + messages %}}{{% endif %}}" if system else ""
    empty = f"{given} and not messages[0]['content'] | trim"
    emptied = f"{{% if {empty} %}}{{% set messages = messages[1:] %}}{{% endif %}}"
    return f"{added}{emptied}{{% set date_string = '{DAY}' %}}"


def modelfile(file_name: str, template: str, system: str) -> str:
    """Returns the text of an Ollama Modelfile for the GGUF file beside it."""
    lines = [f"FROM ./{file_name}"]
    form = TEMPLATES.get(template)
    if form is not None:
        turn = form.turn.format(role="{{ .Role }}", content="{{ .Content }}")
        lines.append(f'TEMPLATE """{{{{- range .Messages }}}}{turn}{{{{ end }}}}{form.opening}"""')
    if system:
        lines.append(f"SYSTEM {_quoted(system)}")
    if form is not None:
        lines += [f'PARAMETER stop "{marker}"' for marker in form.markers]
    lines.append("PARAMETER temperature 0.7")
    return "\n".join(lines) + "\n"


def _literal(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _quoted(text: str) -> str:
    # A Modelfile has no escape for the three quotes that end a text.
    return '"""' + text.replace('"""', "'''") + '"""'
