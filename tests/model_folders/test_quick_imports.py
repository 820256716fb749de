"""The libraries of models are imported without what no model of text needs."""

import os
import subprocess
import sys

import pytest

FOR_PICTURES = ("scipy.optimize", "matplotlib", "skimage")
PEFT = "import peft"
QUICK = "import tianji_core.model_folders.foreign_code as code; code.prepare_transformers(); import peft"
XTUNER = "import xtuner.dataset"
QUICK_XTUNER = (
    "import tianji_core.training.xtuner_engine.quick_xtuner as quick; quick.import_xtuner(); " + XTUNER
)
LOADED = (
    "import sys, {what}; print('torch._inductor.compile_fx' in sys.modules, 'bitsandbytes' in sys.modules)"
)
OURS = "tianji_core.model_folders.quick_imports as quick; quick.import_bitsandbytes()"


@pytest.mark.training
@pytest.mark.parametrize(("what", "compiler"), [("bitsandbytes", True), (OURS, False)])
def test_the_compiler_is_loaded_by_bitsandbytes_itself_alone(what: str, compiler: bool) -> None:
    """The first case fails when bitsandbytes no longer loads it: then this module can go."""
    environment = {**os.environ, "CUDA_VISIBLE_DEVICES": ""}
    command = [sys.executable, "-c", LOADED.format(what=what)]
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert ran.stdout.split() == [str(compiler), "True"]


@pytest.mark.training
def test_torch_compiles_as_before_afterwards() -> None:
    import torch

    from tianji_core.model_folders.quick_imports import import_bitsandbytes

    before = torch.compile
    import_bitsandbytes()
    assert torch.compile is before


@pytest.mark.training
@pytest.mark.parametrize(
    ("imports", "loaded"),
    [
        (PEFT, "scipy.optimize"),
        (QUICK, ""),
        (XTUNER, "scipy.optimize matplotlib skimage"),
        (QUICK_XTUNER, ""),
    ],
    ids=["peft", "peft quickly", "xtuner", "xtuner quickly"],
)
def test_libraries_of_pictures_are_loaded_by_transformers_and_xtuner_themselves_alone(
    imports: str, loaded: str
) -> None:
    """Where the first or the third case fails, what keeps them from it can go."""
    told = f"print(*[name for name in {FOR_PICTURES!r} if name in sys.modules], gc.isenabled())"
    environment = {**os.environ, "CUDA_VISIBLE_DEVICES": ""}
    command = [sys.executable, "-c", f"import gc, sys; {imports}; {told}"]
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert ran.stdout.split() == [*loaded.split(), "True"]


@pytest.mark.training
def test_what_asks_for_scipy_later_finds_it() -> None:
    from transformers import utils

    from tianji_core.model_folders.foreign_code import prepare_transformers

    before = utils.is_scipy_available
    prepare_transformers()
    assert utils.is_scipy_available is before
