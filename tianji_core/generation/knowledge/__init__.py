"""资料转问答: documents cut into chunks, a teacher asks and answers questions about each, and what is new becomes
samples. :func:`create_knowledge_run` stores a run, :func:`start_knowledge` works it off in the background."""

from tianji_core.generation.knowledge.asking import KnowledgeSettings, knowledge_prompt
from tianji_core.generation.knowledge.documents import SUFFIXES, Document, Piece, cut, read_document
from tianji_core.generation.knowledge.job import knowledge_jobs, start_knowledge
from tianji_core.generation.knowledge.runs import (
    KnowledgeState,
    create_knowledge_run,
    cut_all,
    estimate_knowledge,
    knowledge_state,
)

__all__ = [
    "SUFFIXES",
    "Document",
    "KnowledgeSettings",
    "KnowledgeState",
    "Piece",
    "create_knowledge_run",
    "cut",
    "cut_all",
    "estimate_knowledge",
    "knowledge_jobs",
    "knowledge_prompt",
    "knowledge_state",
    "read_document",
    "start_knowledge",
]
