"""The worker that installs a part of the studio. Prints what was installed as the last line."""

from tianji_core.i18n import _
from tianji_core.installing.install import install
from tianji_core.installing.launch import InstallSubject
from tianji_core.jobs import Reporter, worker_of
from tianji_core.workspace import Workspace


@worker_of(InstallSubject)
def install_part(workspace: Workspace, subject: InstallSubject, reporter: Reporter) -> int:
    """Installs what the part lacks and leaves the packages that are there as they are; returns the exit
    code."""
    reporter.begin(0, _("字节"))

    def tell(done: int, total: int, title: str) -> None:
        reporter.update(done, total=total, message=title or None)

    count = install(subject.part, tell, lambda sentence: print(sentence, flush=True), any_version=True)
    print(_("装好了 {n} 个包", n=count))
    return 0
