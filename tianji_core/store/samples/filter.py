"""The filter of samples and its WHERE clause."""

import json
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from sqlalchemy import Boolean, ColumnElement, Integer, Select, Text, cast, literal_column, or_, select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import GenericFunction

from tianji_core.store.database import beginning_of, now
from tianji_core.store.samples.model import ACCEPTED
from tianji_core.store.schema import DOUBTFUL_FROM, IS_CLEAN, changes, findings, leases, samples, steps


@dataclass(frozen=True)
class SampleFilter:
    """A selection of samples; an empty field does not restrict it. ``rules`` are ids of cleaning rules, one
    of which has a finding; ``fixable`` demands a finding with a fix; ``clean`` True means checked and without
    findings, False with findings; ``sure`` True means clean and not doubtful, or accepted by itself by a
    person, False clean and doubtful; ``text`` is searched in the input and the output of every turn;
    ``models`` are the teachers that wrote the text, ``reviewer`` is a person who took a step on it;
    ``rating`` (stars)
    and ``score`` (of a judge, 0 to 5) are inclusive ranges and leave out samples without a value; ``since``
    and ``until`` are the first and the last day (see :func:`beginning_of`) of arrival; ``options`` are
    (axis, option) pairs: a sample has one of the given options of each axis; ``free_for`` is a reader, and
    leaves out what others have on screen; ``ids`` None means any."""

    recipe: str
    states: tuple[str, ...] = ()
    styles: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    scenes: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    fixable: bool = False
    clean: bool | None = None
    sure: bool | None = None
    source: str = ""
    run_id: int | None = None
    import_id: int | None = None
    text: str = ""
    models: tuple[str, ...] = ()
    reviewer: str = ""
    rating: tuple[int, int] | None = None
    score: tuple[float, float] | None = None
    since: str = ""
    until: str = ""
    options: tuple[tuple[str, str], ...] = ()
    free_for: str = ""
    ids: tuple[int, ...] | None = field(default=None, repr=False)

    def conditions(self) -> list[ColumnElement[bool]]:
        """Returns the conditions of the WHERE clause."""
        c = samples.c
        clauses: list[ColumnElement[bool]] = [c.recipe == self.recipe]
        for column, values in (
            (c.state, self.states),
            (c.style, self.styles),
            (c.name, self.names),
            (c.scene, self.scenes),
            (c.model, self.models),
        ):
            if values:
                clauses.append(column.in_(values) if len(values) > 1 else column == values[0])
        if self.rules or self.fixable:
            ids_with_findings = select(findings.c.sample_id)
            if self.rules:
                ids_with_findings = ids_with_findings.where(findings.c.rule.in_(self.rules))
            if self.fixable:
                ids_with_findings = ids_with_findings.where(findings.c.fixed.is_not(None))
            clauses.append(c.id.in_(ids_with_findings))
        if self.clean is True:
            clauses.append(literal_column(f"({IS_CLEAN.text})", Boolean()))
        elif self.clean is False:
            clauses.append(c.finding_count > 0)
        if self.sure is not None:
            clauses.append(literal_column(f"({IS_CLEAN.text})", Boolean()))
            settled = (c.state == ACCEPTED) & c.id.in_(_accepted_by_itself(self.recipe))
            sure = (c.doubt < DOUBTFUL_FROM) | settled
            clauses.append(sure if self.sure else ~sure)
        if self.source:
            clauses.append(c.source == self.source)
        if self.run_id is not None:
            clauses.append(c.run_id == self.run_id)
        if self.import_id is not None:
            clauses.append(c.import_id == self.import_id)
        if self.text:
            clauses.append(
                (_place_of(c.output, self.text) > 0)
                | (_place_of(c.input, self.text) > 0)
                | _in_turns(c.history, self.text)
            )
        for column, bounds in ((c.rating, self.rating), (c.score, self.score)):
            if bounds is not None:
                clauses.append(column.between(*bounds))
        if self.options:
            clauses.append(c.options.in_(self._option_sets()))
        if self.since:
            clauses.append(c.created_at >= beginning_of(self.since))
        if self.until:
            clauses.append(c.created_at < beginning_of(self.until) + timedelta(days=1))
        if self.reviewer:
            clauses.append(c.id.in_(_touched_by(self.recipe, self.reviewer)))
        if self.free_for:
            clauses.append(c.id.not_in(_read_by_others(self.free_for)))
        if self.ids is not None:
            clauses.append(c.id.in_(self.ids))
        return clauses

    def _option_sets(self) -> Select[tuple[Any]]:
        """Returns the query of the option sets of the recipe's samples that are selected. There are few sets,
        so that the index over them answers it."""
        c = samples.c
        query = select(c.options).where(c.recipe == self.recipe).distinct()
        for axis in dict.fromkeys(axis for axis, _option in self.options):
            pairs = [f"{json.dumps(axis)}: {json.dumps(o)}" for a, o in self.options if a == axis]
            query = query.where(or_(*(_place_of(cast(c.options, Text), pair) > 0 for pair in pairs)))
        return query


def _touched_by(recipe: str, who: str) -> Select[tuple[int]]:
    """Returns the query of the samples that valid steps of one person changed."""
    return (
        select(changes.c.sample_id)
        .join_from(changes, steps, steps.c.id == changes.c.step_id)
        .where(steps.c.recipe == recipe, steps.c.who == who, steps.c.undone.is_(False))
    )


def _accepted_by_itself(recipe: str) -> Select[tuple[int]]:
    """Returns the query of the samples that a valid step of their own accepted."""
    return (
        select(changes.c.sample_id)
        .join_from(changes, steps, steps.c.id == changes.c.step_id)
        .where(
            steps.c.recipe == recipe,
            steps.c.undone.is_(False),
            steps.c.bulk.is_(False),
            changes.c.after["state"].as_string() == ACCEPTED,
        )
    )


def _read_by_others(who: str) -> Select[tuple[int]]:
    """Returns the query of the samples that others than ``who`` have on screen."""
    return select(leases.c.sample_id).where(leases.c.who != who, leases.c.until > now())


class _place_of(GenericFunction[int]):
    """Returns the position of a text in a column, counted from 1; 0 if it does not occur. Faster than LIKE,
    and no character has a special meaning."""

    type = Integer()
    inherit_cache = True


@compiles(_place_of, "sqlite")
def _place_in_sqlite(element: _place_of, compiler: SQLCompiler, **options: Any) -> str:
    return f"instr({compiler.process(element.clauses, **options)})"


@compiles(_place_of, "postgresql")
def _place_in_postgresql(element: _place_of, compiler: SQLCompiler, **options: Any) -> str:
    return f"strpos({compiler.process(element.clauses, **options)})"


class _in_turns(GenericFunction[bool]):
    """Whether a text occurs in an input or output of the column ``history``. The JSON is decoded, since it
    holds Chinese characters as escapes."""

    type = Boolean()
    inherit_cache = True


@compiles(_in_turns, "sqlite")
def _in_turns_of_sqlite(element: _in_turns, compiler: SQLCompiler, **options: Any) -> str:
    turns, text = (compiler.process(clause, **options) for clause in element.clauses)
    found = f"SELECT 1 FROM json_tree({turns}) AS part WHERE part.type = 'text' AND instr(part.atom, {text})"
    return f"({turns} <> '[]' AND EXISTS ({found}))"


@compiles(_in_turns, "postgresql")
def _in_turns_of_postgresql(element: _in_turns, compiler: SQLCompiler, **options: Any) -> str:
    turns, text = (compiler.process(clause, **options) for clause in element.clauses)
    parts = f"json_array_elements({turns}) AS turn, json_each_text(turn.value) AS part"
    return f"EXISTS (SELECT 1 FROM {parts} WHERE strpos(part.value, {text}) > 0)"
