"""What annotation tools keep beside the texts they show: the answers written in Label Studio, and the records
that an annotator of Argilla throws away. Pure."""

import json
from typing import Any

from tianji_core.dataset.fields import OUTPUT, ShapeError, field_of
from tianji_core.i18n import _

RESPONSES = "responses"
"""Key under which Argilla keeps what annotators answered."""


def as_annotated(item: dict[str, Any]) -> dict[str, Any]:
    """Returns an item of an annotation tool as a pair of question and answer; any other one as it is.

    Raises:
        ShapeError: an annotator has thrown it away, or nobody has written an answer.
    """
    if _is_discarded(item):
        raise ShapeError(_("标注的人弃用了这一条（discarded）"))
    annotations, shown = item.get("annotations"), item.get("data")
    if not isinstance(annotations, list) or not isinstance(shown, dict):
        return {key: _written(value) for key, value in item.items()}
    answers = [answer for each in annotations if isinstance(each, dict) for answer in _answers(each)]
    if answers:
        return {**shown, **answers[0]}
    if not any(field_of(key) for key in shown) or any(field_of(key) == OUTPUT for key in shown):
        return item
    raise ShapeError(_("还没有标注，或者标注里没有写回答"))


def _is_discarded(item: dict[str, Any]) -> bool:
    if item.get("status") == "discarded":
        return True
    responses = item.get(RESPONSES)
    if not isinstance(responses, list) or not responses:
        return False
    return all(isinstance(each, dict) and each.get("status") == "discarded" for each in responses)


def _answers(annotation: dict[str, Any]) -> list[dict[str, str]]:
    """Returns the texts that were written in one annotation of Label Studio, by the name of their box; the
    only box is that of the answer, whatever its name."""
    results = annotation.get("result")
    if annotation.get("was_cancelled") or not isinstance(results, list):
        return []
    texts = {}
    for result in results:
        if isinstance(result, dict) and result.get("type") == "textarea":
            written = _written(result.get("value"))
            if isinstance(written, str):
                texts[str(result.get("from_name"))] = written
    if len(texts) == 1:
        texts = {OUTPUT: next(iter(texts.values()))}
    return [texts] if any(field_of(name) == OUTPUT for name in texts) else []


def _written(value: Any) -> Any:
    """Returns the text of a box of Label Studio, which its short forms write as an object or as JSON; any
    other value as it is."""
    box = value
    if isinstance(value, str) and value.startswith('{"text":'):
        try:
            box = json.loads(value)
        except (ValueError, RecursionError):
            return value
    if not isinstance(box, dict) or not {"text"} <= box.keys() <= {"text", "number"}:
        return value
    lines = box["text"] if isinstance(box["text"], list) else [box["text"]]
    return "\n".join(lines) if all(isinstance(line, str) for line in lines) else value
