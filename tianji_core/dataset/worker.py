"""The worker of an import. When killed at any moment it leaves no partial file in the database."""

from pathlib import Path

from tianji_core.dataset.conversation_version import freeze_conversations
from tianji_core.dataset.hub import fetch, folder_of
from tianji_core.dataset.import_job import ImportArguments
from tianji_core.dataset.importing import import_path, report_lines, sources_of
from tianji_core.errors import ImportFileError
from tianji_core.i18n import _
from tianji_core.jobs import Reporter, worker_of
from tianji_core.ownership import discard
from tianji_core.workspace import Workspace


@worker_of(ImportArguments)
def import_samples(workspace: Workspace, arguments: ImportArguments, reporter: Reporter) -> int:
    """Downloads a dataset or reads files and imports them, unless they are only fetched; returns the exit
    code."""
    reporter.begin(0, _("字节"))
    name, bounds = arguments.dataset_id, arguments.bounds
    if name and arguments.fetched:
        path = _folder(workspace, arguments)
        if not path.is_dir():
            raise ImportFileError(_("下载好的文件不在了，请重新下载"))
    elif name:
        reporter.update(0, message=_("正在下载"))
        place = (arguments.revision, arguments.address)
        path = fetch(workspace, name, *place, reporter.update, arguments.hub, bounds)
    else:
        path = Path(arguments.path)
    if arguments.only_fetch:
        print(_("{what} 下载好了，还没有导入", what=name), flush=True)
        return 0
    reporter.begin(0, _("字节"))
    reporter.update(0, message=_("正在导入"))
    if arguments.version:
        _as_version(workspace, arguments, path, reporter)
        return 0
    reports = import_path(
        workspace, arguments.recipe, path, arguments.state, reporter.update, name, arguments.encoding
    )
    for report in reports:
        print("\n".join(report_lines(report)), flush=True)
    if name:
        discard(_folder(workspace, arguments))
    if not any(report.added or report.known for report in reports):
        raise ImportFileError(_("{path} 里没有一条可以导入的对话，什么也没有导入", path=name or path))
    return 0


def _as_version(workspace: Workspace, arguments: ImportArguments, path: Path, reporter: Reporter) -> None:
    name = arguments.dataset_id
    sources = sources_of(path, name, arguments.encoding)
    most = arguments.bounds.rows
    made = freeze_conversations(
        workspace, arguments.recipe, arguments.version, sources, reporter.update, most
    )
    print(_("数据集 {name}：{n} 条对话", name=made.name, n=made.count), flush=True)
    if name:
        discard(_folder(workspace, arguments))


def _folder(workspace: Workspace, arguments: ImportArguments) -> Path:
    return folder_of(
        workspace, arguments.dataset_id, arguments.hub, arguments.bounds.files, arguments.revision
    )
