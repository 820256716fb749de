"""The workers that convert, merge, download and export models. Each prints the name of its model as the last
line."""

from tianji_core.i18n import _
from tianji_core.jobs import Reporter, worker_of
from tianji_core.models.catalogue import artefact
from tianji_core.models.download import download
from tianji_core.models.gguf.export import export_gguf
from tianji_core.models.launch import (
    ConvertAndMergeArguments,
    ConvertArguments,
    DownloadArguments,
    GgufArguments,
    MergeArguments,
)
from tianji_core.models.making import convert
from tianji_core.models.merged import convert_and_merge, merge
from tianji_core.store import training as training_store
from tianji_core.workspace import Workspace


@worker_of(ConvertArguments)
def convert_checkpoint(workspace: Workspace, arguments: ConvertArguments, reporter: Reporter) -> int:
    """Converts a checkpoint to an adapter; returns the exit code."""
    reporter.begin(0, _("步"))
    run = training_store.get(workspace.engine, arguments.training_run_id)
    print(convert(workspace, run, arguments.checkpoint, arguments.name, reporter).name)
    return 0


@worker_of(ConvertAndMergeArguments)
def convert_and_merge_checkpoint(
    workspace: Workspace, arguments: ConvertAndMergeArguments, reporter: Reporter
) -> int:
    """Converts a checkpoint to an adapter and a merged model; returns the exit code."""
    reporter.begin(0, _("步"))
    run = training_store.get(workspace.engine, arguments.training_run_id)
    options = (arguments.device, reporter, arguments.shard_gb, arguments.dtype)
    print(convert_and_merge(workspace, run, arguments.checkpoint, *options)[1].name)
    return 0


@worker_of(MergeArguments)
def merge_adapter(workspace: Workspace, arguments: MergeArguments, reporter: Reporter) -> int:
    """Merges an adapter into its base; returns the exit code."""
    reporter.begin(0, _("步"))
    adapter = artefact(workspace, arguments.adapter)
    options = (arguments.device, reporter, arguments.shard_gb, arguments.dtype)
    print(merge(workspace, adapter, arguments.name, arguments.base, *options).name)
    return 0


@worker_of(DownloadArguments)
def download_model(workspace: Workspace, arguments: DownloadArguments, reporter: Reporter) -> int:
    """Downloads a base model; returns the exit code."""
    reporter.begin(0, _("字节"))
    trusted = arguments.trust_remote_code
    made = download(
        workspace, arguments.model_id, arguments.name, reporter=reporter, trust_remote_code=trusted
    )
    print(made.name)
    return 0


@worker_of(GgufArguments)
def export_model(workspace: Workspace, arguments: GgufArguments, reporter: Reporter) -> int:
    """Exports a merged model to a GGUF file; returns the exit code."""
    reporter.begin(0, _("步"))
    merged = artefact(workspace, arguments.merged)
    print(export_gguf(workspace, merged, arguments.quantisation, arguments.name, reporter).name)
    return 0
