"""Every table. Times are UTC without a zone; texts are UTF-8; JSON columns hold plain data."""

import hashlib
import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    DateTime,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    false,
    text,
)
from sqlalchemy.engine import Dialect
from sqlalchemy.engine.default import DefaultExecutionContext
from sqlalchemy.types import TypeDecorator

from tianji_core import i18n
from tianji_core.roles import acting_person

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

LONGEST_PERSON = 254
"""Characters of the name of a person: the longest e-mail address (RFC 5321, erratum 1690)."""


class SentenceColumn(TypeDecorator[str]):
    """A text for people: a sentence of the studio is stored as its message and values, and is read in the
    language of the reader; what a person wrote is stored as it is."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """Returns what is stored."""
        return None if value is None else i18n.stored(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> str | None:
        """Returns what is read."""
        return None if value is None else i18n.shown(value)


class OptionsColumn(TypeDecorator[tuple[tuple[str, str], ...]]):
    """The options of a task or sample as (axis, option) by axis, stored as a JSON object whose keys are in
    order, so that equal options are equal texts and an index finds them; '{}' for none."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Sequence[tuple[str, str]] | None, dialect: Dialect) -> str:
        """Returns what is stored."""
        return json.dumps(dict(value or ()), ensure_ascii=False, sort_keys=True)

    def process_result_value(self, value: str | None, dialect: Dialect) -> tuple[tuple[str, str], ...]:
        """Returns what is read."""
        return tuple(json.loads(value).items()) if value else ()


recipe_revisions = Table(
    "recipe_revisions",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("recipe", String(40), nullable=False),
    Column("revision", Integer, nullable=False),
    Column("body", JSON, nullable=False),
    Column("note", SentenceColumn, nullable=False, default=""),
    Column("same_as", Integer),
    Column("created_at", DateTime, nullable=False),
    Column("who", String(LONGEST_PERSON), nullable=False, default=acting_person, server_default=""),
    UniqueConstraint("recipe", "revision"),
)
"""A recipe is never changed: each save is a new revision; the highest one is current. ``same_as`` is the
revision whose content an undo or redo brought back."""

removed_recipes = Table(
    "removed_recipes",
    metadata,
    Column("recipe", String(40), primary_key=True),
    Column("removed_at", DateTime, nullable=False),
)
"""Recipes that a person removed. They and what was made with them are kept, but not listed."""

runs = Table(
    "runs",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("recipe", String(40), nullable=False),
    Column("recipe_revision", Integer, nullable=False),
    Column("title", SentenceColumn, nullable=False),
    Column("plan", JSON, nullable=False),
    Column("teacher", JSON, nullable=False),
    Column("sampling", JSON, nullable=False),
    Column("concurrency", Integer, nullable=False),
    Column("options", JSON, nullable=False, default=dict),
    Column("total", Integer, nullable=False),
    Column("halted", SentenceColumn, nullable=False, default=""),
    Column("created_at", DateTime, nullable=False),
    Column("paused", Boolean, nullable=False, default=False, server_default=false()),
    Column("who", String(LONGEST_PERSON), nullable=False, default=acting_person, server_default=""),
)
"""生成批次: one plan sent to one teacher or several. ``teacher`` holds provider, model and base_url, or a
list of them with weights, never a key; ``options`` holds budget, deadline and other limits; ``halted`` names
the limit that stopped the run last; no worker sends tasks of a ``paused`` run."""

tasks = Table(
    "tasks",
    metadata,
    Column("run_id", Integer, ForeignKey("runs.id"), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("name", String(40), nullable=False),
    Column("scene", String(40), nullable=False),
    Column("style", String(40), nullable=False),
    Column("round", Integer, nullable=False),
    Column("options", OptionsColumn, nullable=False, default=(), server_default="{}"),
    Column("fact", Text, nullable=False, default="", server_default=""),
    Column("turn", Integer),
    Column("teacher", Integer, nullable=False, default=0),
    Column("state", String(10), nullable=False, default="pending"),
    Column("error_kind", String(20)),
    Column("error", SentenceColumn),
    Column("attempts", Integer, nullable=False, default=0),
    Column("updated_at", DateTime),
    Column("worker", Integer),
    Index("ix_tasks_run_id_state", "run_id", "state"),
)
"""state: pending, done, failed, skipped. ``fact`` is the detail about the receiver that the text is to use,
``turn`` the place among the tasks of the same style and options, NULL in runs of old releases.
``teacher`` counts from 0 in the run's list of teachers. ``worker``
is the row of ``run_workers`` that has taken a pending task, NULL for none."""

run_workers = Table(
    "run_workers",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("run_id", Integer, ForeignKey("runs.id"), nullable=False),
    Column("name", Text, nullable=False),
    Column("leads", Boolean, nullable=False),
    Column("capacity", Integer, nullable=False),
    Column("share", Integer, nullable=False),
    Column("stored", Integer, nullable=False),
    Column("rate", Float, nullable=False),
    Column("in_flight", Integer, nullable=False),
    Column("tokens", Integer, nullable=False),
    Column("cost", Float, nullable=False),
    Column("started_at", DateTime, nullable=False),
    Column("beat_at", DateTime, nullable=False),
    Column("ended", Boolean, nullable=False),
    Index("ix_run_workers_run_id_beat_at", "run_id", "beat_at"),
)
"""Processes that share the tasks of one run on PostgreSQL. ``leads`` marks the job that a person started;
``capacity`` is the most requests that the process sends at once, ``share`` how many it may have in flight;
``stored`` counts its answers, ``rate`` is in answers per second; ``tokens`` and ``cost`` are what it has used
and reserved. Times are those of the database server."""

teacher_paces = Table(
    "teacher_paces",
    metadata,
    Column("teacher", String(64), primary_key=True),
    Column("requests_at", Float, nullable=False),
    Column("tokens_at", Float, nullable=False),
)
"""When the next request to a teacher with limits per minute may be sent, and the next token, in seconds since
the epoch by the clock of the database server. ``teacher`` is the digest of provider, address and model."""

knowledge_runs = Table(
    "knowledge_runs",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("recipe", String(40), nullable=False),
    Column("title", SentenceColumn, nullable=False),
    Column("teacher", JSON, nullable=False),
    Column("sampling", JSON, nullable=False),
    Column("settings", JSON, nullable=False),
    Column("concurrency", Integer, nullable=False),
    Column("total", Integer, nullable=False),
    Column("created_at", DateTime, nullable=False),
    Column("who", String(LONGEST_PERSON), nullable=False, default=acting_person, server_default=""),
)
"""知识转问答: documents cut into chunks; a teacher writes questions and answers about each chunk."""

chunks = Table(
    "chunks",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("run_id", Integer, ForeignKey("knowledge_runs.id"), nullable=False),
    Column("position", Integer, nullable=False),
    Column("file", Text, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("number", Integer, nullable=False),
    Column("text", Text, nullable=False),
    Column("state", String(10), nullable=False, default="pending"),
    Column("error_kind", String(20)),
    Column("error", SentenceColumn),
    Column("attempts", Integer, nullable=False, default=0),
    Column("pairs", Integer, nullable=False, default=0),
    Column("repeated", Integer, nullable=False, default=0),
    Column("unused", Integer, nullable=False, default=0, server_default="0"),
    Column("updated_at", DateTime),
    UniqueConstraint("run_id", "position"),
    Index("ix_chunks_run_id_state", "run_id", "state"),
)
"""``file`` and ``sha256`` name the document, ``number`` counts its chunks from 1. ``pairs`` is the number of
samples made from the chunk, ``repeated`` the number of questions left out because they had been asked
before, ``unused`` that of the items in the answer that were not understood or more than were asked for."""

IS_UNCHECKED = text("checked < version")
"""The sample has changed since the rules last checked it."""
HAS_CHUNK = text("chunk_id IS NOT NULL")
"""The sample was made from a document."""
IS_UNDONE = text("undone")
"""The step has been undone."""
IS_CLEAN = text("finding_count = 0 AND checked >= version")
"""The rules have checked the sample and found nothing. These are conditions of partial indexes: a query uses
such an index only when it repeats the condition word for word, without parameters."""


DOUBTFUL_FROM = 0.5
"""The doubt from which a text without findings is left to a person."""


def text_digest(output: str) -> str:
    """Returns the SHA-256 of an output without outer white space; equal outputs have equal digests."""
    return hashlib.sha256(output.strip().encode()).hexdigest()


def sample_digest(system: str, input: str, output: str, history: list[dict[str, str]] | None = None) -> str:
    """Returns the SHA-256 of system prompt, earlier turns, input and output; equal samples have equal
    digests."""
    parts = [system, *(turn[key] for turn in history or () for key in ("input", "output")), input, output]
    return hashlib.sha256(json.dumps(parts, ensure_ascii=False).encode()).hexdigest()


OPENING = 6
"""Length of an opening in characters."""


def opening_of(output: str, name: str = "") -> str:
    """Returns the first characters of a text, without the receiver's name and the marks after it."""
    bare = output.strip()
    if name:
        bare = bare.replace(name, "", 1) if name in bare[: len(name) + OPENING] else bare
    return bare.lstrip(" \u3000，,。.！!：:、~～").replace("\n", " ")[:OPENING]


def _own_opening(context: DefaultExecutionContext) -> str:
    row = _row(context)
    return opening_of(row["output"], row.get("name") or "")


def _own_length(context: DefaultExecutionContext) -> int:
    return len(_row(context)["output"])


def _own_text_digest(context: DefaultExecutionContext) -> str:
    return text_digest(_row(context)["output"])


def _own_digest(context: DefaultExecutionContext) -> str:
    row = _row(context)
    return sample_digest(row["system"], row["input"], row["output"], row.get("history"))


def _row(context: DefaultExecutionContext) -> dict[str, Any]:
    return context.get_current_parameters()


samples = Table(
    "samples",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("recipe", String(40), nullable=False),
    Column("source", String(10), nullable=False),
    Column("run_id", Integer, ForeignKey("runs.id")),
    Column("position", Integer),
    Column("import_id", Integer, ForeignKey("imports.id")),
    Column("chunk_id", Integer, ForeignKey("chunks.id")),
    Column("name", String(40), nullable=False, default=""),
    Column("scene", String(40), nullable=False, default=""),
    Column("style", String(40), nullable=False, default=""),
    Column("options", OptionsColumn, nullable=False, default=(), server_default="{}"),
    Column("fact", Text, nullable=False, default="", server_default=""),
    Column("system", Text, nullable=False),
    Column("history", JSON, nullable=False, default=list),
    Column("input", Text, nullable=False),
    Column("output", Text, nullable=False),
    Column("original", Text, nullable=False),
    Column("length", Integer, nullable=False, default=_own_length),
    Column("opening", String(16), nullable=False, default=_own_opening),
    Column("prompt", Text, nullable=False, default=""),
    Column("recipe_revision", Integer),
    Column("examples", JSON, nullable=False, default=list, server_default="[]"),
    Column("model", Text, nullable=False, default=""),
    Column("prompt_tokens", Integer),
    Column("completion_tokens", Integer),
    Column("latency", Float),
    Column("request_id", Text, nullable=False, default=""),
    Column("finish_reason", String(30), nullable=False, default=""),
    Column("reasoning", Text, nullable=False, default=""),
    Column("planted", JSON, nullable=False, default=list),
    Column("sampling", JSON, nullable=False, default=dict),
    Column("state", String(10), nullable=False, default="pending"),
    Column("rating", Integer),
    Column("score", Float),
    Column("finding_count", Integer, nullable=False, default=0),
    Column("doubt", Float, nullable=False, default=0.0, server_default="0"),
    Column("version", Integer, nullable=False, default=1),
    Column("checked", Integer, nullable=False, default=0),
    Column("digest", String(64), nullable=False, default=_own_digest),
    Column("text_digest", String(64), nullable=False, default=_own_text_digest),
    Column("created_at", DateTime, nullable=False),
    Column("updated_at", DateTime, nullable=False),
    UniqueConstraint("run_id", "position"),
    Index("ix_samples_recipe_state_id", "recipe", "state", "id"),
    Index("ix_samples_recipe_style_id", "recipe", "style", "id"),
    Index("ix_samples_recipe_id", "recipe", "id"),
    Index("ix_samples_recipe_options_id", "recipe", "options", "id"),
    Index("ix_samples_recipe_model_id", "recipe", "model", "id"),
    Index("ix_samples_recipe_length_id", "recipe", "length", "id"),
    Index("ix_samples_cells", "recipe", "name", "scene", "state", "style"),
    Index("ix_samples_run_id_id", "run_id", "id"),
    Index("ix_samples_import_id_id", "import_id", "id"),
    Index("ix_samples_chunk_id", "chunk_id", sqlite_where=HAS_CHUNK, postgresql_where=HAS_CHUNK),
    Index("ix_samples_digest", "digest"),
    Index("ix_samples_text_digest", "text_digest", "recipe", "id"),
    Index("ix_samples_clean", "recipe", "state", "id", sqlite_where=IS_CLEAN, postgresql_where=IS_CLEAN),
    Index(
        "ix_samples_unchecked",
        "recipe",
        "id",
        sqlite_where=IS_UNCHECKED,
        postgresql_where=IS_UNCHECKED,
    ),
)
"""样本. source: run, import, chat, knowledge, copy, split, imitation,
follow_up. state: pending, accepted, rejected.
``original`` is the text as it arrived, ``sampling`` the parameters of its request, ``history`` the earlier
turns of a conversation as [{"input", "output"}], ``options`` those of the recipe's axes, ``fact`` the detail
about the receiver that the text is to use, ``examples`` the few-shot examples of its request,
``recipe_revision`` the revision of the recipe that its request was made from, where no run keeps it,
``length`` the characters of ``output``. ``version`` counts changes (optimistic locking); ``checked`` is the
version that the cleaning rules checked last (0: never); ``doubt`` is how doubtful a text without findings is,
from 0 to 1, 0 below :data:`DOUBTFUL_FROM`; ``score`` is the mean of a judge's verdict on the current text
(0 to 5). ``length``, ``opening``, ``digest`` and ``text_digest`` are computed on insertion."""

imitation_runs = Table(
    "imitation_runs",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("recipe", String(40), nullable=False),
    Column("recipe_revision", Integer, nullable=False),
    Column("title", SentenceColumn, nullable=False),
    Column("teacher", JSON, nullable=False),
    Column("sampling", JSON, nullable=False),
    Column("settings", JSON, nullable=False),
    Column("concurrency", Integer, nullable=False),
    Column("created_at", DateTime, nullable=False),
    Column("who", String(LONGEST_PERSON), nullable=False, default=acting_person, server_default=""),
)
"""照着写: paragraphs that a person likes; a teacher writes others in the same manner."""

imitations = Table(
    "imitations",
    metadata,
    Column("run_id", Integer, ForeignKey("imitation_runs.id"), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("parent", Integer),
    Column("stage", String(10), nullable=False),
    Column("name", String(40), nullable=False),
    Column("scene", String(40), nullable=False),
    Column("style", String(40), nullable=False),
    Column("text", Text, nullable=False, default=""),
    Column("state", String(10), nullable=False, default="pending"),
    Column("talk", JSON, nullable=False, default=list),
    Column("turns", Integer, nullable=False, default=0),
    Column("wording", Float),
    Column("structure", Float),
    Column("near", Integer),
    Column("reason", SentenceColumn, nullable=False, default=""),
    Column("sample_id", Integer, ForeignKey("samples.id")),
    Column("error_kind", String(20)),
    Column("error", SentenceColumn),
    Column("attempts", Integer, nullable=False, default=0),
    Column("prompt_tokens", Integer, nullable=False, default=0),
    Column("completion_tokens", Integer, nullable=False, default=0),
    Column("updated_at", DateTime),
    Index("ix_imitations_run_id_state", "run_id", "state"),
    Index("ix_imitations_sample_id", "sample_id"),
)
"""The texts of an imitation run as a tree. stage: paragraph (given by the person), seed (another text in its
manner), child (a seed carried to another receiver or occasion); ``parent`` is the position of the text that
it imitates. state: given, pending, done, failed, left (too close after every asking, for a person to decide).
``talk`` holds the answered turns as [{"asked", "answered", "wording", "structure"}], ``turns`` their number;
``wording`` and ``structure`` are the likeness (0 to 1) to the closest text, at position ``near``; ``reason``
says what is too close; ``sample_id`` is the sample that it became."""

findings = Table(
    "findings",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("sample_id", Integer, ForeignKey("samples.id"), nullable=False),
    Column("rule", String(40), nullable=False),
    Column("detail", SentenceColumn, nullable=False, default=""),
    Column("fixed", Text),
    Column("turn", Integer, nullable=False, default=0, server_default="0"),
    Index("ix_findings_sample_id", "sample_id"),
    Index("ix_findings_rule_sample_id", "rule", "sample_id"),
)
"""问题: what a rule found in the current text of a sample. ``fixed`` is the whole answer after the rule's
fix, or NULL. ``turn`` is the number of the earlier answer that it is about, from 1; 0 is the output."""

near_texts = Table(
    "near_texts",
    metadata,
    Column("sample_id", Integer, ForeignKey("samples.id"), primary_key=True),
    Column("recipe", String(40), nullable=False),
    Column("text_digest", String(64), nullable=False),
    Column("bands", LargeBinary, nullable=False),
    Column("twin_id", Integer),
    Column("similarity", Float),
    Index("ix_near_texts_recipe_twin_id", "recipe", "twin_id"),
)
"""Data for near-duplicate detection: the signature (``bands``) of the text whose digest is ``text_digest``,
and the near duplicate that is kept instead (``twin_id``, with the similarity), or NULL."""

check_states = Table(
    "check_states",
    metadata,
    Column("recipe", String(40), primary_key=True),
    Column("basis", String(64), nullable=False),
    Column("compared", Boolean, nullable=False, default=False),
    Column("steps", String(40), nullable=False, default=""),
)
"""State of the checks of a recipe: ``basis`` identifies the recipe's revision and the rules that the findings
rest on, ``compared`` says whether all texts have been compared with each other since the last change,
``steps`` identifies the review steps taken by then."""

judgements = Table(
    "judgements",
    metadata,
    Column("sample_id", Integer, ForeignKey("samples.id"), primary_key=True),
    Column("text_digest", String(64), nullable=False),
    Column("fit", Float, nullable=False),
    Column("style", Float, nullable=False),
    Column("naturalness", Float, nullable=False),
    Column("reason", Text, nullable=False, default=""),
    Column("model", Text, nullable=False, default=""),
    Column("prompt_tokens", Integer),
    Column("completion_tokens", Integer),
    Column("created_at", DateTime, nullable=False),
)
"""The newest verdict of a judging model on a sample's text, 0 to 5 for each criterion."""

leases = Table(
    "leases",
    metadata,
    Column("sample_id", Integer, ForeignKey("samples.id"), primary_key=True),
    Column("who", String(80), nullable=False),
    Column("until", DateTime, nullable=False),
)
"""The sample that each reviewer has on screen, so that two people who review at once do not get the same
one."""

changes = Table(
    "changes",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("step_id", Integer, ForeignKey("steps.id"), nullable=False),
    Column("sample_id", Integer, ForeignKey("samples.id"), nullable=False),
    Column("before", JSON, nullable=False),
    Column("after", JSON, nullable=False),
    Index("ix_changes_step_id", "step_id"),
    Index("ix_changes_sample_id", "sample_id"),
)

steps = Table(
    "steps",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("recipe", String(40), nullable=False),
    Column("action", String(20), nullable=False),
    Column("title", SentenceColumn, nullable=False),
    Column("who", String(LONGEST_PERSON), nullable=False),
    Column("count", Integer, nullable=False),
    Column("undone", Boolean, nullable=False, default=False),
    Column("note", SentenceColumn, nullable=False, default="", server_default=""),
    Column("bulk", Boolean, nullable=False, default=False, server_default=false()),
    Column("created_at", DateTime, nullable=False),
    Index("ix_steps_recipe_id", "recipe", "id"),
    Index("ix_steps_recipe_who_id", "recipe", "who", "id"),
    Index("ix_steps_undone", "recipe", "id", sqlite_where=IS_UNDONE, postgresql_where=IS_UNDONE),
)
"""One action of a person on one or many samples, undone and redone as a whole. ``note`` holds the reason or
the means; ``bulk`` tells that a filter, not one look, chose the samples, however many it found."""

second_verdicts = Table(
    "second_verdicts",
    metadata,
    Column("step_id", Integer, ForeignKey("steps.id"), primary_key=True),
    Column("recipe", String(40), nullable=False),
    Column("sample_id", Integer, ForeignKey("samples.id"), nullable=False),
    Column("first_who", String(LONGEST_PERSON), nullable=False),
    Column("first_state", String(10), nullable=False),
    Column("state", String(10), nullable=False),
    Column("resolved_by", Integer, ForeignKey("steps.id")),
    Index("ix_second_verdicts_recipe_sample_id", "recipe", "sample_id"),
)
"""复审: the verdict of a second person who did not see the first one. It is valid as long as its step is not
undone; ``resolved_by`` is the step that settled a disagreement."""

review_settings = Table(
    "review_settings",
    metadata,
    Column("recipe", String(40), primary_key=True),
    Column("second_share", Float, nullable=False),
)
"""Review settings of a recipe: the share (0 to 1) of samples that a second person judges too."""

imports = Table(
    "imports",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("recipe", String(40), nullable=False),
    Column("file", Text, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("form", String(20), nullable=False),
    Column("added", Integer, nullable=False),
    Column("known", Integer, nullable=False),
    Column("bad", JSON, nullable=False, default=list),
    Column("created_at", DateTime, nullable=False),
    Column("who", String(LONGEST_PERSON), nullable=False, default=acting_person, server_default=""),
)

dataset_versions = Table(
    "dataset_versions",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("recipe", String(40), nullable=False),
    Column("name", String(80), nullable=False, unique=True),
    Column("folder", Text, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("count", Integer, nullable=False),
    Column("manifest", JSON, nullable=False),
    Column("created_at", DateTime, nullable=False),
    Column("who", String(LONGEST_PERSON), nullable=False, default=acting_person, server_default=""),
)
"""数据集版本: an immutable, hashed training file under ``datasets/<name>/``."""

training_runs = Table(
    "training_runs",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("title", SentenceColumn, nullable=False),
    Column("preset", String(60), nullable=False),
    Column("dataset_version_id", Integer, ForeignKey("dataset_versions.id")),
    Column("settings", JSON, nullable=False),
    Column("work_dir", Text, nullable=False),
    Column("job_id", Integer, ForeignKey("jobs.id")),
    Column("created_at", DateTime, nullable=False),
    Column("who", String(LONGEST_PERSON), nullable=False, default=acting_person, server_default=""),
)
"""训练: the state is that of its job, together with the files in ``work_dir``."""

jobs = Table(
    "jobs",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("kind", String(20), nullable=False),
    Column("title", SentenceColumn, nullable=False),
    Column("argv", JSON, nullable=False),
    Column("environment", JSON, nullable=False, default=dict),
    Column("subject", JSON, nullable=False, default=dict),
    Column("state", String(12), nullable=False),
    Column("stop_requested", Boolean, nullable=False, default=False),
    Column("supervisor_pid", Integer),
    Column("supervisor_started", Float),
    Column("pid", Integer),
    Column("pid_started", Float),
    Column("exit_code", Integer),
    Column("note", SentenceColumn, nullable=False, default=""),
    Column("created_at", DateTime, nullable=False),
    Column("started_at", DateTime),
    Column("ended_at", DateTime),
    Column("who", String(LONGEST_PERSON), nullable=False, default=acting_person, server_default=""),
    Index("ix_jobs_state", "state"),
    Index("ix_jobs_kind_id", "kind", "id"),
)
"""后台任务. state: starting, running, succeeded, failed, stopped, lost. ``subject`` names what the job works
on (run_id, training_run_id, model …)."""

votes = Table(
    "votes",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("recipe", String(40), nullable=False),
    Column("prompt", Text, nullable=False),
    Column("system", Text, nullable=False, default=""),
    Column("style", String(40), nullable=False, default=""),
    Column("winner", Text, nullable=False),
    Column("loser", Text, nullable=False, default=""),
    Column("loser_style", String(40), nullable=False, default=""),
    Column("chosen", Text, nullable=False),
    Column("rejected", Text, nullable=False, default=""),
    Column("who", String(LONGEST_PERSON), nullable=False),
    Column("created_at", DateTime, nullable=False),
    Column("name", String(40), nullable=False, default="", server_default=""),
    Column("scene", String(40), nullable=False, default="", server_default=""),
    Column("outcome", String(10), nullable=False, default="better", server_default="better"),
    Column("voter", String(10), nullable=False, default="person", server_default="person"),
    Column("reason", Text, nullable=False, default="", server_default=""),
    Column("prompt_tokens", Integer),
    Column("completion_tokens", Integer),
    Column("ballot", String(120), nullable=False, default="", server_default=""),
    Column("winner_setting", String(40), nullable=False, default="", server_default=""),
    Column("loser_setting", String(40), nullable=False, default="", server_default=""),
    Index("ix_votes_recipe_voter", "recipe", "voter"),
)
"""Verdicts of the compare page: which of two answers to one prompt is better. ``winner`` and ``loser`` are
model names; ``style`` is the style that the winner was asked for, ``prompt`` its request. outcome: better,
tie (equally good) or none (neither is good); for tie and none, winner and loser are only the first and the
second answer. voter: person, or teacher, whose ``who`` is the model and whose tokens are those of all its
requests about the pair. ``ballot`` is shared by the votes of one click, '' where the pair was judged alone;
the settings are the sampling of the two answers, '' where it is not known."""
