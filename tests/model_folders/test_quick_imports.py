"""bitsandbytes is imported without torch's compiler on a machine without a card."""

import os
import subprocess
import sys

import pytest

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
