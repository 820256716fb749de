"""``python -m tianji_core <verb>``: a table of verbs; errors become one line on standard error here, nowhere else.

Exit code 0 only on success, 2 for bad input, 1 for what went wrong while doing it.
"""

import sys
from collections.abc import Callable

import typer

from tianji_core.errors import StudioError
from tianji_core.verbs import demo, making, modelling, reviewing, system, talking

app = typer.Typer(
    name="tianji_core",
    help="Tianji Studio without a browser: every step of the corridor as a verb.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
VERBS: dict[str, Callable[..., None]] = {
    "studio": system.studio,
    "plan": making.plan,
    "generate": making.generate,
    "import": reviewing.import_samples,
    "clean": reviewing.clean,
    "accept": reviewing.accept,
    "reject": reviewing.reject,
    "undo": reviewing.undo,
    "review-stats": reviewing.review_stats,
    "freeze": reviewing.freeze,
    "datasets": reviewing.list_datasets,
    "export": reviewing.export,
    "train": modelling.train,
    "convert": modelling.convert,
    "merge": modelling.merge,
    "download": modelling.download,
    "models": modelling.list_models,
    "serve": talking.serve,
    "chat": talking.chat,
    "compare": talking.compare,
    "evaluate": talking.evaluate,
    "demo": demo.demo,
    "jobs": system.jobs,
    "doctor": system.doctor,
}
for name, function in VERBS.items():
    app.command(name)(function)


def main() -> None:
    """Run the verb in ``sys.argv``."""
    try:
        app()
    except StudioError as error:
        print(f"tianji_core: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
