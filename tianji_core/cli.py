"""``python -m tianji_core <verb>``: a table of verbs; errors become one line on standard error here, nowhere
else.

Exit code 0 only on success, 2 for bad input, 130 after Ctrl-C, 1 for what went wrong while doing it.
"""

import sys
from collections.abc import Callable, Iterable
from importlib import import_module
from typing import Annotated

import typer

from tianji_core.errors import StudioError
from tianji_core.i18n import _
from tianji_core.project import DISTRIBUTION
from tianji_core.release import version
from tianji_core.verbs import usage
from tianji_core.verbs.interruption import tells_what_is_kept
from tianji_core.verbs.option_groups import flattened

VERBS = {
    "studio": "system.studio",
    "recipes": "listing.list_recipes",
    "plan": "generating.plan",
    "generate": "generating.generate",
    "runs": "listing.list_runs",
    "worker": "working.worker",
    "knowledge": "documents.knowledge",
    "imitate": "imitating.imitate",
    "follow-up": "following.follow_up",
    "import": "datasets.import_samples",
    "clean": "reviewing.clean",
    "accept": "reviewing.accept",
    "reject": "reviewing.reject",
    "shards": "sharding.shards",
    "own-rules": "own_rules.own_rules",
    "replace": "bulk_edits.replace",
    "rebuild-inputs": "bulk_edits.rebuild_inputs",
    "set-system": "bulk_edits.set_system",
    "undo": "reviewing.undo",
    "review-stats": "reviewing.review_stats",
    "judge": "judging.judge",
    "keep-best": "judging.keep_best",
    "freeze": "datasets.freeze",
    "datasets": "datasets.list_datasets",
    "verify": "datasets.verify",
    "difference": "datasets.difference",
    "export": "datasets.export",
    "train": "training.train",
    "queue": "training.queue",
    "places": "places.places",
    "experiment": "experimenting.experiment",
    "expect": "experimenting.expect",
    "convert": "modelling.convert",
    "merge": "modelling.merge",
    "export-gguf": "modelling.export_gguf",
    "push": "pushing.push_item",
    "download": "modelling.download",
    "models": "modelling.list_models",
    "delete": "trash.delete",
    "restore": "trash.restore",
    "backup": "trash.backup",
    "forget-answers": "trash.forget_answers",
    "serve": "serving.serve",
    "share": "sharing.share",
    "load-test": "load_testing.load_test",
    "chat": "chatting.chat",
    "compare": "comparing.compare",
    "report": "comparing.report",
    "votes": "voting.list_votes",
    "relearn": "voting.relearn",
    "pairs": "pairing.pairs",
    "sweep": "evaluating.sweep",
    "evaluate": "evaluating.evaluate",
    "top-up": "topping_up.top_up",
    "probe": "probing.probe",
    "demo": "demo.demo",
    "users": "users.users",
    "jobs": "system.jobs",
    "after": "afterwards.after",
    "notices": "afterwards.list_notices",
    "doctor": "system.doctor",
    "upgrade-check": "upgrading.upgrade_check",
    "report-problem": "reporting.report_problem",
    "bundle-install": "bundling.bundle",
}
"""Each verb with the module of :mod:`tianji_core.verbs` and the function that carry it out. Only the chosen
one is imported: all of them take half a second more."""
TAKES_MORE = {"allow_extra_args": True}
"""For a verb that reads several values after its last option, as in ``--lora-modules a=DIR b=DIR``."""


def program(verbs: Iterable[str] = VERBS) -> typer.Typer:
    """Returns the command line with these verbs."""
    app = typer.Typer(
        name="tianji_core",
        help="Tianji Studio without a browser: every step of the corridor as a verb. Without one it opens in "
        "the browser.",
        pretty_exceptions_enable=False,
    )
    app.callback(invoke_without_command=True)(_without_a_verb)
    for name in verbs:
        settings = TAKES_MORE if name == "serve" else None
        app.command(name, context_settings=settings)(tells_what_is_kept(name, flattened(_function(name))))
    return app


def _function(verb: str) -> Callable[..., None]:
    module, name = VERBS[verb].split(".")
    function: Callable[..., None] = getattr(import_module(f"tianji_core.verbs.{module}"), name)
    return function


def _without_a_verb(
    context: typer.Context,
    shows_version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False,
) -> None:
    """Opens the studio where no verb is given."""
    if shows_version:
        typer.echo(f"{DISTRIBUTION} {version()}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        _function("studio")()


def main() -> None:
    """Runs the verb in ``sys.argv``."""
    chosen = sys.argv[1:2]
    try:
        code = program(chosen if chosen and chosen[0] in VERBS else VERBS)(standalone_mode=False)
    except StudioError as error:
        _refuse(str(error), error.exit_code)
    except typer.TyperException as error:
        _refuse(usage.sentence(error), error.exit_code)
    except typer.Abort:
        sys.exit(1)
    except OSError as error:
        # A missing permission or a full disk can occur in any verb; only the person can solve it.
        where = error.filename or _("工作区")
        _refuse(
            _(
                "{file} 读写不了（{detail}）；请检查权限和磁盘空间",
                file=where,
                detail=error.strerror or error,
            ),
            1,
        )
    else:
        sys.exit(code if isinstance(code, int) else 0)


def _refuse(reason: str, code: int) -> None:
    """Prints one line on standard error and exits with ``code``."""
    print(f"tianji_core: {' '.join(reason.split())}", file=sys.stderr)
    sys.exit(code)
