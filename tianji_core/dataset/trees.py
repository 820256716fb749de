"""Conversations that are kept as trees of messages with several answers to one: OpenAssistant's and those
that ChatGPT exports. Pure."""

from typing import Any, NamedTuple

_LONGEST_PATH = 10_000


class Path(NamedTuple):
    """The messages of one way through a tree; ``branches`` tells that it has others."""

    messages: list[dict[str, Any]]
    branches: bool


def path_in(item: dict[str, Any]) -> Path | None:
    """Returns the conversation in a tree of messages: of several replies the best ranked one, or in an export
    of ChatGPT what was on screen last; None for an item that is no tree."""
    if isinstance(nodes := item.get("mapping"), dict) and any(map(_is_node, nodes.values())):
        return _on_screen(nodes, item.get("current_node"))
    roots = [item.get("prompt"), item.get("thread"), item if {"role", "text"} <= item.keys() else None]
    for root in roots:
        if isinstance(root, dict) and isinstance(root.get("replies"), list):
            return _best_ranked(root)
    return None


def _best_ranked(root: dict[str, Any]) -> Path:
    messages, branches = [root], False
    while len(messages) < _LONGEST_PATH:
        replies = messages[-1].get("replies")
        known = [reply for reply in replies if isinstance(reply, dict)] if isinstance(replies, list) else []
        if not known:
            break
        branches = branches or len(known) > 1
        messages.append(min(known, key=_rank))
    told = [{"role": message.get("role"), "content": message.get("text")} for message in messages]
    return Path(told, branches)


def _rank(reply: dict[str, Any]) -> float:
    rank = reply.get("rank")
    return rank if isinstance(rank, int | float) else float("inf")


def _is_node(node: object) -> bool:
    return isinstance(node, dict) and not {"message", "parent"}.isdisjoint(node)


def _on_screen(nodes: dict[str, Any], last: object) -> Path:
    messages: list[dict[str, Any]] = []
    seen: set[str] = set()
    leaves = [key for key, node in nodes.items() if isinstance(node, dict) and not node.get("children")]
    at: object = last if isinstance(last, str) and last in nodes else leaves[-1] if leaves else None
    while isinstance(at, str) and at not in seen and isinstance(node := nodes.get(at), dict):
        seen.add(at)
        message = node.get("message")
        if isinstance(message, dict) and (told := _exported(message)) is not None:
            messages.append(told)
        at = node.get("parent")
    return Path(messages[::-1], len(leaves) > 1)


def _exported(message: dict[str, Any]) -> dict[str, Any] | None:
    author, content = message.get("author"), message.get("content")
    role = author.get("role") if isinstance(author, dict) else author
    parts = content.get("parts") if isinstance(content, dict) else content
    if role == "system" and not any(parts if isinstance(parts, list) else [parts]):
        return None  # ChatGPT begins every conversation with an empty one
    return {"role": role, "content": parts}
