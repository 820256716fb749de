"""The environment of child processes: an allow-list of variables, so that a child gets no key that it does
not need. Every process that the studio starts gets its environment from here."""

import os
import re
from collections.abc import Collection
from dataclasses import dataclass
from fnmatch import fnmatchcase

from tianji_core.i18n import LANGUAGE, language
from tianji_core.project import PROJECT

DATABASE = "TIANJI_DATABASE_URL"
PASSED = "TIANJI_CHILD_VARIABLES"
"""Names, separated by commas, of further variables that every child gets."""


@dataclass(frozen=True)
class Needs:
    """What the child of one kind of job needs: ``network`` the settings of a proxy, ``database`` the address
    of the database, which may hold a password."""

    network: bool = False
    database: bool = True


NEEDS = {
    **dict.fromkeys(
        ("generate", "follow", "rewrite", "rate", "suggest", "judge", "vote"), Needs(network=True)
    ),
    **dict.fromkeys(("import", "download", "push", "elsewhere", "install", "read"), Needs(network=True)),
    **dict.fromkeys(
        ("train", "convert", "merge", "sweep", "relearn", "demo", "trial", "experiment"), Needs()
    ),
    **dict.fromkeys(("freeze", "edit"), Needs()),
    "serve": Needs(database=False),
}
"""Kind of job → what its child needs. Keys are not in this table: a job names those of its own teacher."""

_SYSTEM = (
    *("PATH", "HOME", "USER", "LOGNAME", "SHELL", "TERM", "TMPDIR", "TEMP", "TMP", "TZ"),
    *("LANG", "LANGUAGE", "LC_*", "XDG_*", "LD_*", "MALLOC_*"),
    "AUTODL*",  # says that the machine is rented there, and is switched off in its own way
    *("PYTHON*", "VIRTUAL_ENV", "CONDA_*", "COVERAGE_*", "MPL*"),
    *("SSL_CERT_*", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"),
)
_COMPUTING = (
    *("CUDA_*", "CUBLAS_*", "CUDNN_*", "NVIDIA_*", "NCCL_*", "NVSHMEM_*", "GLOO_*"),
    *("HIP_*", "ROC*", "HSA_*", "ASCEND_*"),
    *("TORCH*", "PYTORCH_*", "TRITON_*", "BNB_*", "ACCELERATE_*", "DEEPSPEED_*", "DS_*"),
    *("OMP_*", "GOMP_*", "KMP_*", "MKL_*", "OPENBLAS_*", "NVPL_*", "BLIS_*", "NUMEXPR_*"),
    *("HF_*", "TRANSFORMERS_*", "TOKENIZERS_*", "SAFETENSORS_*", "MODELSCOPE_*"),
    "PIP_*",
    *("XTUNER_*", "MMENGINE_*", "VLLM_*", "LMDEPLOY_*", "RAY_*", "TIANJI_*"),
)
PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")
_SECRET_NAME = re.compile(
    r"(^|_)(API_?KEY|KEY|TOKEN|SECRET|PASS|PASSWD|PASSWORD|PASSPHRASE|CREDENTIAL|AUTH|COOKIE|DATABASE_URL)"
    r"S?(_|$)"
)
_SECRET_VALUE = re.compile(r"://[^/\s]*@")
"""An address with a user name or a password."""


def child_environment(network: bool = False, keys: Collection[str] = ()) -> dict[str, str]:
    """Returns the variables that a child gets from this process: those of the system and of the computing
    libraries, with ``network`` those of a proxy, the secrets named in ``keys``, and those that
    ``TIANJI_CHILD_VARIABLES`` names. This project comes first in its PYTHONPATH, and the child speaks the
    language of this process."""
    named = {*keys, *(name.strip() for name in os.environ.get(PASSED, "").split(","))}
    kept = {
        name: value for name, value in os.environ.items() if name in named or _harmless(name, value, network)
    }
    return {**kept, LANGUAGE: language(), "PYTHONPATH": python_path()}


def proxies() -> dict[str, str]:
    """Returns the settings of a proxy in this process's environment."""
    return {name: value for name, value in os.environ.items() if name.upper() in PROXIES}


def _harmless(name: str, value: str, network: bool) -> bool:
    upper = name.upper()
    if network and upper in PROXIES:
        return True
    if _SECRET_NAME.search(upper) or (_SECRET_VALUE.search(value) and not network):
        return False
    return any(fnmatchcase(upper, pattern) for pattern in (*_SYSTEM, *_COMPUTING))


def python_path() -> str:
    """Returns the PYTHONPATH of a child: this project first."""
    return os.pathsep.join(filter(None, [str(PROJECT), os.environ.get("PYTHONPATH")]))
