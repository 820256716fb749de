"""``python -m tianji_core.training.places.there ACT …``: what a machine that trains for another one is asked
over SSH. Prints one line that begins with :data:`SIGN`, so that greetings of a login shell do no harm."""

import argparse
import json
import re
import sys
from typing import Any

from tianji_core.errors import PlaceError, StudioError
from tianji_core.i18n import _, set_language
from tianji_core.store import training as training_runs
from tianji_core.training.places import received, slurm_runs
from tianji_core.training.places.adapters import SIGN
from tianji_core.training.slurm import checked_request
from tianji_core.workspace import Workspace, open_workspace

ACTS = ("facts", "submit", "state", "stop", "hashes")


def answer(workspace: Workspace, given: argparse.Namespace) -> dict[str, Any]:
    """Does what is asked and returns what is to be told.

    Raises:
        StudioError: it cannot be done.
    """
    if given.act == "facts":
        received.incoming(workspace)
        return received.facts(workspace)
    if not re.fullmatch(r"[a-z0-9-]{8,60}", given.id):
        raise PlaceError(_("训练包的编号“{id}”不对", id=given.id))
    if given.act == "submit":
        accepted = received.accept(workspace, given.id, given.base, trains=not given.slurm)
        if given.slurm:
            request = checked_request(json.loads(given.slurm))
            slurm_runs.submit(workspace, accepted, request, given.again)
        else:
            received.start(workspace, accepted, given.again)
        return received.state_of(workspace, training_runs.get(workspace.engine, accepted.id))
    run = received.find(workspace, given.id)
    if run is None:
        received.incoming(workspace)
        return {"state": "unknown", **received.ways(workspace)}
    if given.act == "stop":
        received.stop(workspace, run)
    if given.act == "hashes":
        return {"hashes": received.hashes(workspace, run, json.loads(sys.stdin.read()))}
    return received.state_of(workspace, run)


def main(argv: list[str]) -> int:
    """Answers one question; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tianji_core.training.places.there")
    parser.add_argument("act", choices=ACTS)
    parser.add_argument("--workspace", required=True)
    parser.add_argument("--id", default="")
    parser.add_argument("--base", default="")
    parser.add_argument("--slurm", default="")
    parser.add_argument("--again", action="store_true")
    parser.add_argument("--language", default="zh")
    given = parser.parse_args(argv)
    set_language(given.language)
    try:
        told = answer(open_workspace(given.workspace), given)
    except StudioError as error:
        told = {"error": " ".join(str(error).split()), "kind": type(error).__name__}
    except OSError as error:
        told = {"error": f"{error.filename or ''} {error.strerror or error}".strip(), "kind": "OSError"}
    print(SIGN + json.dumps(told, ensure_ascii=False), flush=True)
    return 0 if "error" not in told else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
