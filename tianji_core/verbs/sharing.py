"""The verb for links to a page on which others ask one model: ``share add --model NAME --days 7``."""

from enum import StrEnum
from typing import Annotated

import typer

from tianji_core.access.hosts import studio_address
from tianji_core.errors import InputError
from tianji_core.i18n import _
from tianji_core.serving.services import is_confirmed, remember_service
from tianji_core.sharing import LONGEST_DAYS, MOST_PER_MINUTE, Share, Shares, kept_questions
from tianji_core.store import recipes
from tianji_core.verbs.common import JsonOption, RecipeOption, WorkspaceOption, chosen_recipe, opened, show
from tianji_core.verbs.model_options import chosen_models
from tianji_core.verbs.tables import show_table


class ShareAction(StrEnum):
    """What to do with the links."""

    LIST = "list"
    ADD = "add"
    REVOKE = "revoke"
    QUESTIONS = "questions"


def share(
    action: Annotated[ShareAction, typer.Argument(help="What to do.")] = ShareAction.LIST,
    link: Annotated[str, typer.Argument(help="The link's number, for revoke and questions.")] = "",
    model: Annotated[str, typer.Option(help="Name of the model; default: the newest merged one.")] = "",
    days: Annotated[float, typer.Option(help=f"Days until the link ends, at most {LONGEST_DAYS}.")] = 7,
    title: Annotated[str, typer.Option(help="Heading of the page; default: the recipe's title.")] = "",
    service: Annotated[
        str, typer.Option(help="Address of a server of another program that has the model.")
    ] = "",
    per_minute: Annotated[
        int, typer.Option(min=1, max=MOST_PER_MINUTE, help="Questions in a minute, of all who have the link.")
    ] = 10,
    keep: Annotated[
        bool, typer.Option("--keep", help="Store questions and answers; the page says so.")
    ] = False,
    login: Annotated[bool, typer.Option("--login", help="A visitor also needs an account.")] = False,
    studio: Annotated[
        str,
        typer.Option(
            help="Address under which others open the studio, for the link; default: TIANJI_STUDIO_URL."
        ),
    ] = "",
    recipe: RecipeOption = None,
    as_json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Make, list and revoke links to a page on which others ask one model without an account."""
    space = opened(workspace)
    shares = Shares(space)
    address = studio.rstrip("/") or studio_address() or "http://127.0.0.1:6006"
    if action is ShareAction.LIST:
        listed = shares.listed()
        rows = [_row(one, address + shares.path(one)) for one in listed]
        facts = [_facts(one, address + shares.path(one)) for one in listed]
        show_table(facts, as_json, (_("编号"), _("模型"), _("到期"), _("链接")), rows, _none())
        return
    if action is ShareAction.ADD:
        name = model if service and model else chosen_models(space, model)[0]
        key = chosen_recipe(space, recipe)
        recipes.current(space.engine, key)
        if service and not is_confirmed(space, service):
            remember_service(space, service)
        made = shares.add(
            name, key, days, title=title, service=service, per_minute=per_minute, keep=keep, login=login
        )
        url = address + shares.path(made)
        show(_facts(made, url), as_json, url)
        return
    if not link:
        raise InputError(_("请写明是哪个分享的编号，用 share list 看有哪些"))
    if action is ShareAction.REVOKE:
        ended = shares.revoke(link)
        show(_facts(ended, ""), as_json, _("分享 {id} 已收回，链接不再能用", id=ended.id))
        return
    found = next((one for one in shares.listed() if one.id == link), None)
    if found is None:
        raise InputError(_("没有编号是 {id} 的分享", id=link[:40]))
    said = kept_questions(space, found)
    kept = [{"question": asked, "answer": answer} for asked, answer in said]
    show(kept, as_json, "\n".join(f"{asked}\t{answer}" for asked, answer in said) or _("没有收下的问题"))


def _none() -> str:
    return _("还没有分享；做一个：python -m tianji_core share add --days 7")


def _facts(share: Share, url: str) -> dict[str, object]:
    return {**share.model_dump(mode="json"), "open": share.open(), "url": url if share.open() else ""}


def _row(share: Share, url: str) -> tuple[str, ...]:
    end = f"{share.expires_at:%Y-%m-%d %H:%M} UTC"
    if share.revoked_at is not None:
        return (share.id, share.model, "", _("已收回"))
    return (share.id, share.model, end, url if share.open() else _("已到期"))
