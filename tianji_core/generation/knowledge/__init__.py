"""资料转问答: splits documents into chunks and has a teacher write questions and answers about each; those
that are new become samples. :func:`create_knowledge_run` stores a run, :func:`start_knowledge` runs it in the
background."""

from tianji_core.generation.knowledge.asking import KnowledgeSettings, knowledge_prompt
from tianji_core.generation.knowledge.documents import (
    AT_ONCE,
    LARGEST_FILE,
    SUFFIXES,
    Document,
    DocumentChunk,
    is_recording,
    read_document,
    reads_at_once,
    split_document,
    without_names,
)
from tianji_core.generation.knowledge.job import knowledge_jobs, start_knowledge
from tianji_core.generation.knowledge.reading import (
    document_key,
    forget_reading,
    forget_readings,
    keys_of,
    read_so_far,
    reading_file,
    reading_job,
    start_reading,
)
from tianji_core.generation.knowledge.recordings import REQUEST_SECONDS
from tianji_core.generation.knowledge.runs import (
    KnowledgeState,
    create_knowledge_run,
    estimate_knowledge,
    knowledge_state,
    split_documents,
)

__all__ = [
    "AT_ONCE",
    "LARGEST_FILE",
    "REQUEST_SECONDS",
    "SUFFIXES",
    "Document",
    "DocumentChunk",
    "KnowledgeSettings",
    "KnowledgeState",
    "create_knowledge_run",
    "document_key",
    "estimate_knowledge",
    "forget_reading",
    "forget_readings",
    "is_recording",
    "keys_of",
    "knowledge_jobs",
    "knowledge_prompt",
    "knowledge_state",
    "read_document",
    "read_so_far",
    "reading_file",
    "reading_job",
    "reads_at_once",
    "split_document",
    "split_documents",
    "start_knowledge",
    "start_reading",
    "without_names",
]
