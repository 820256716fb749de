"""资料转问答: splits documents into chunks and has a teacher write questions and answers about each; those
that are new become samples. :func:`create_knowledge_run` stores a run, :func:`start_knowledge` runs it in the
background."""

from tianji_core.generation.knowledge.asking import KnowledgeSettings, knowledge_prompt
from tianji_core.generation.knowledge.documents import (
    LARGEST_FILE,
    SUFFIXES,
    Document,
    DocumentChunk,
    read_document,
    split_document,
    without_names,
)
from tianji_core.generation.knowledge.job import knowledge_jobs, start_knowledge
from tianji_core.generation.knowledge.runs import (
    KnowledgeState,
    create_knowledge_run,
    estimate_knowledge,
    knowledge_state,
    split_documents,
)

__all__ = [
    "LARGEST_FILE",
    "SUFFIXES",
    "Document",
    "DocumentChunk",
    "KnowledgeSettings",
    "KnowledgeState",
    "create_knowledge_run",
    "estimate_knowledge",
    "knowledge_jobs",
    "knowledge_prompt",
    "knowledge_state",
    "read_document",
    "split_document",
    "split_documents",
    "start_knowledge",
    "without_names",
]
