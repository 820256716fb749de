"""Groups of options: a dataclass whose fields are options is taken by several verbs as one parameter."""

import functools
import inspect
from collections.abc import Callable, Iterator
from dataclasses import MISSING, fields, is_dataclass
from typing import Any, get_type_hints


def flattened(verb: Callable[..., None]) -> Callable[..., None]:
    """The verb with one keyword parameter per option, as typer reads it, in the order in which they are
    written.

    A parameter whose annotation is a dataclass becomes one parameter per field, and the verb is called with
    an instance of it. Defaults are those of the parameter's default instance, or else those of the fields; a
    field without any default is a required option.
    """
    annotations = get_type_hints(verb, include_extras=True)
    groups: dict[str, type] = {}
    parameters: list[inspect.Parameter] = []
    for parameter in inspect.signature(verb).parameters.values():
        annotation = annotations[parameter.name]
        if is_dataclass(annotation) and isinstance(annotation, type):
            groups[parameter.name] = annotation
            parameters += _options(annotation, parameter.default)
        else:
            parameters.append(parameter.replace(annotation=annotation, kind=inspect.Parameter.KEYWORD_ONLY))

    @functools.wraps(verb)
    def call(**values: Any) -> None:
        for name, group in groups.items():
            values[name] = group(**{field.name: values.pop(field.name) for field in fields(group)})
        verb(**values)

    call.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    call.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return call


def _options(group: type, default: Any) -> Iterator[inspect.Parameter]:
    annotations = get_type_hints(group, include_extras=True)
    for field in fields(group):
        value = field.default if default is inspect.Parameter.empty else getattr(default, field.name)
        yield inspect.Parameter(
            field.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=inspect.Parameter.empty if value is MISSING else value,
            annotation=annotations[field.name],
        )
