"""Reading samples by id and adding new ones."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, Engine, func, insert, select

from tianji_core.errors import InputError
from tianji_core.gate import standard_characters
from tianji_core.i18n import _
from tianji_core.store.database import now, reading, writing
from tianji_core.store.recipes import revision_when
from tianji_core.store.samples.model import (
    CHAT,
    NewSample,
    Sample,
    SampleProvenance,
    columns,
    stored_turns,
    to_sample,
)
from tianji_core.store.schema import (
    imitation_runs,
    imitations,
    opening_of,
    runs,
    sample_digest,
    samples,
    text_digest,
)

_BATCH = 1000


def get(engine: Engine, sample_id: int) -> Sample:
    """Returns one sample.

    Raises:
        InputError: there is none with this number.
    """
    with reading(engine) as connection:
        row = connection.execute(select(*columns()).where(samples.c.id == sample_id)).one_or_none()
    if row is None:
        raise InputError(_("没有编号为 {id} 的样本，请从审核页里选一条", id=sample_id))
    return to_sample(row)


def many(engine: Engine, ids: Sequence[int]) -> list[Sample]:
    """Returns the samples with these ids, in order; ids that do not exist are left out."""
    in_order = []
    with reading(engine) as connection:
        for start in range(0, len(ids), _BATCH):
            query = select(*columns()).where(samples.c.id.in_(ids[start : start + _BATCH]))
            in_order += [to_sample(row) for row in connection.execute(query)]
    return sorted(in_order, key=lambda sample: sample.id)


def provenance(engine: Engine, sample_id: int) -> SampleProvenance:
    """Returns prompt, model, tokens and further provenance of one sample."""
    columns = [samples.c[name] for name in SampleProvenance.__dataclass_fields__]
    with reading(engine) as connection:
        row = connection.execute(select(*columns).where(samples.c.id == sample_id)).one_or_none()
    if row is None:
        raise InputError(_("没有编号为 {id} 的样本，请从审核页里选一条", id=sample_id))
    values = dict(row._mapping)
    values["planted"], values["examples"] = tuple(values["planted"]), tuple(values["examples"])
    return SampleProvenance(**values)


def prompt_revision(engine: Engine, sample_id: int) -> int:
    """Returns the revision of the recipe whose prompts asked for a sample: its own or that of its run, or the
    newest one when the sample was made; 0 is the built-in file."""
    query = (
        select(
            samples.c.recipe,
            samples.c.created_at,
            func.coalesce(
                samples.c.recipe_revision, runs.c.recipe_revision, imitation_runs.c.recipe_revision
            ).label("revision"),
        )
        .select_from(
            samples.outerjoin(runs, runs.c.id == samples.c.run_id)
            .outerjoin(imitations, imitations.c.sample_id == samples.c.id)
            .outerjoin(imitation_runs, imitation_runs.c.id == imitations.c.run_id)
        )
        .where(samples.c.id == sample_id)
    )
    with reading(engine) as connection:
        row = connection.execute(query).first()
    if row is None:
        raise InputError(_("没有编号为 {id} 的样本，请从审核页里选一条", id=sample_id))
    return row.revision if row.revision is not None else revision_when(engine, row.recipe, row.created_at)


def add(engine: Engine, sample: NewSample, source: str = CHAT) -> int | None:
    """Stores a sample from a chat or made from another one; returns its id, or None if the recipe has the
    same one already."""
    fields = ("system", "input", "output")
    texts: dict[str, Any] = {field: standard_characters(getattr(sample, field)) for field in fields}
    history = tuple((standard_characters(asked), standard_characters(said)) for asked, said in sample.history)
    with writing(engine) as connection:
        new = replace(sample, **texts, history=history)
        return next(iter(insert_new(connection, [new], source)), None)


def insert_new(
    connection: Connection, new: Sequence[NewSample], source: str, import_id: int | None = None
) -> list[int]:
    """Stores the samples whose system, turns, input and output are new to the recipe and returns their ids.
    Repetitions within ``new`` are stored once."""
    fresh: dict[tuple[str, str], dict[str, Any]] = {}
    moment = now()
    for sample in new:
        history = stored_turns(sample.history)
        digest = sample_digest(sample.system, sample.input, sample.output, history)
        fresh.setdefault(
            (sample.recipe, digest),
            {
                "recipe": sample.recipe,
                "source": source,
                "import_id": import_id,
                "name": sample.name,
                "scene": sample.scene,
                "style": sample.style,
                "options": sample.options,
                "fact": sample.fact,
                "system": sample.system,
                "history": history,
                "input": sample.input,
                "output": sample.output,
                "original": sample.output,
                "length": len(sample.output),
                "opening": opening_of(sample.output, sample.name),
                "prompt": sample.prompt,
                "recipe_revision": sample.recipe_revision,
                "model": sample.model,
                "state": sample.state,
                "digest": digest,
                "text_digest": text_digest(sample.output),
                "created_at": moment,
                "updated_at": moment,
            },
        )
    digests = list(fresh)
    for start in range(0, len(digests), _BATCH):
        chunk = digests[start : start + _BATCH]
        query = select(samples.c.recipe, samples.c.digest).where(
            samples.c.digest.in_({digest for _recipe, digest in chunk})
        )
        for known in connection.execute(query):
            fresh.pop((known.recipe, known.digest), None)
    if not fresh:
        return []
    inserted = connection.execute(insert(samples).returning(samples.c.id), list(fresh.values()))
    return sorted(inserted.scalars())
