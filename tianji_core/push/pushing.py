"""One push: looks at the repository, makes it where it is missing, checks who can see it, and sends."""

from tianji_core.errors import PushError
from tianji_core.i18n import _
from tianji_core.jobs import Reporter
from tianji_core.push.contents import PushFile
from tianji_core.push.faults import explained
from tianji_core.push.huggingface import HuggingFace
from tianji_core.push.modelscope import ModelScope
from tianji_core.push.records import Pushed, record_for, remember
from tianji_core.push.repository import Hub, Repository
from tianji_core.push.sending import Sending
from tianji_core.push.target import PushTarget, token_of
from tianji_core.workspace import Workspace


def push(
    workspace: Workspace,
    target: PushTarget,
    item: str,
    files: list[PushFile],
    private: bool = True,
    licence: str = "other",
    into_existing: bool = False,
    reporter: Reporter | None = None,
) -> Pushed:
    """Pushes ``files`` and returns the record of it. ``item`` is the name of the model or dataset version.
    Files that the hub has are not sent; all files appear in one commit. Files of an earlier push that are
    not among ``files`` are removed there.

    Raises:
        PushError: no token, no right to write, a name in use, a repository that the studio did not make
            (``into_existing`` allows writing into it), or one that others can see.
        StudioError: no connection, or the hub failed.
    """
    token = token_of(workspace, target.hub)
    reporter = reporter or Reporter()
    reporter.update(0, message=_("正在看“{repo}”是不是已经有了", repo=target.repo))
    sending = Sending(files, reporter)
    try:
        hub: Hub = (ModelScope if target.hub == "modelscope" else HuggingFace)(workspace, target, token)
        sending.persistently(hub.check_token)
        earlier = record_for(workspace, target)
        known = _ready(workspace, hub, sending, target, earlier, private, licence, into_existing)
        _check_visibility(known, target, private)
        stale = _stale(earlier, known, files)
        hub.send(sending, stale, _("推送 {name}", name=item))
    except Exception as error:
        raise explained(error, target) from error
    rate = sending.finish()
    record = Pushed(
        **{name: getattr(target, name) for name in ("hub", "endpoint", "kind", "repo", "url")},
        private=private,
        item=item,
        files=tuple(file.path for file in files),
        rate=rate or (earlier.rate if earlier else 0),
    )
    remember(workspace, target, record)
    return record


def _ready(
    workspace: Workspace,
    hub: Hub,
    sending: Sending,
    target: PushTarget,
    earlier: Pushed | None,
    private: bool,
    licence: str,
    into_existing: bool,
) -> Repository:
    """Returns the repository, made where it was missing.

    Raises:
        PushError: it is not the studio's, and nobody allowed writing into it.
    """
    known = sending.persistently(hub.found)
    if known is not None:
        if earlier is None and not known.is_empty and not into_existing:
            raise PushError(
                _(
                    "“{repo}”已经有了，不是在这里建的；要往里写（同名文件会被替换）请勾选“写进已有的仓库”或加 --into-existing，不然换一个名字",
                    repo=target.repo,
                )
            )
        return known
    facts = {name: getattr(target, name) for name in ("hub", "endpoint", "kind", "repo")}
    sending.persistently(lambda: hub.create(private, licence))
    remember(workspace, target, Pushed(**facts, private=private))
    made = sending.persistently(hub.found)
    if made is None:
        raise PushError(_("建好了“{repo}”却看不到它；请看看令牌能不能读私有仓库", repo=target.repo))
    return made


def _check_visibility(known: Repository, target: PushTarget, private: bool) -> None:
    """Checks before anything is sent that those who can see the repository are those who should.

    Raises:
        PushError: it is public or may be, but was to be private; or the other way round.
    """
    if private and known.private is not True:
        raise PushError(
            _(
                "“{repo}”是公开的，推上去谁都能看到，所以什么也没有推；请在网站上把它设为私有，或者换一个名字，或者选公开",
                repo=target.repo,
            )
        )
    if not private and known.private:
        raise PushError(
            _("“{repo}”是私有的；要公开请先在网站上改它的可见性，或者选私有来推", repo=target.repo)
        )


def _stale(earlier: Pushed | None, known: Repository, files: list[PushFile]) -> list[str]:
    """Returns the paths that an earlier push of this workspace put there and this one does not have."""
    if earlier is None:
        return []
    return sorted((set(earlier.files) & known.files) - {file.path for file in files})
