"""GGUF files of merged models, for llama.cpp, Ollama and LM Studio. Imports no torch."""

from tianji_core.models.gguf.export import export_gguf
from tianji_core.models.gguf.formats import FORMATS, GGUF_FORMATS, checked_format, missing_packages

__all__ = ["FORMATS", "GGUF_FORMATS", "checked_format", "export_gguf", "missing_packages"]
