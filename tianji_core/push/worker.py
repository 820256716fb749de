"""The worker of a push. Killed at any moment, it leaves the repository as it was; the next attempt sends only
the files that the hub does not have."""

from tianji_core.i18n import _
from tianji_core.jobs import Reporter, worker_of
from tianji_core.push.launch import PushArguments, files_of
from tianji_core.push.pushing import push
from tianji_core.push.target import checked_target
from tianji_core.workspace import Workspace


@worker_of(PushArguments)
def push_item(workspace: Workspace, arguments: PushArguments, reporter: Reporter) -> int:
    """Pushes a model or a dataset version; prints the address of its page and returns the exit code."""
    reporter.begin(0, _("字节"))
    target = checked_target(
        workspace, arguments.hub, arguments.kind, arguments.repo, endpoint=arguments.endpoint
    )
    files = files_of(workspace, target, arguments.item, arguments.licence)
    made = push(
        workspace,
        target,
        arguments.item,
        files,
        private=not arguments.public,
        licence=arguments.licence,
        into_existing=arguments.into_existing,
        reporter=reporter,
    )
    print(made.url)
    return 0
