"""The training engine: everything that the studio asks of the program that trains. There is one,
:mod:`tianji_core.training.xtuner_engine`. Beside this module only four former names import it, and nothing
outside its folder names its classes, options, log lines or files (``tests/training/test_engine.py``).

What an engine has to offer, by what it is asked for:

- config: ``CONFIG_NAME`` in a work folder; ``data_file``, what it learns from; ``header``, ``read_card``,
  ``read_values`` and ``lacking`` read a preset's text without running it; ``with_values``,
  ``with_card``, ``with_base`` and ``with_weights`` change it; ``render`` makes the config of one training;
  ``load_check_arguments`` and ``load_problem`` try in a child whether a text of a person loads
- launch: ``trainer_arguments`` for one process, under torch.distributed where there are several;
  ``RESUME_VARIABLES`` beside them where it goes on from a checkpoint; ``DEEPSPEED``, the settings it knows
- progress: ``logged_step`` from a line of output; ``begun``, ``curve``, ``validations``,
  ``pass_rates``, ``total_iterations``, ``trial_answers`` and ``log_tail`` from a work folder, while it trains
  and afterwards; ``made_by_training``, whether a file of a work folder is one of these or a checkpoint
- pairs: ``PAIRS_FORM``, the name of the form in which it reads them; ``reference_model``, what a config
  compares with where that is not its base
- checkpoint: ``NEWEST_CHECKPOINT``, the file that names the newest; ``checkpoint_files`` in a folder,
  ``is_whole``, and ``checkpoint_weights`` for a sweep
- checkpoint → adapter: ``converter_arguments``, and ``LEFT_BY_CONVERTER`` beside what they write
- version and health: ``DISTRIBUTION``, the package whose version it has, ``PACKAGES`` it needs, and
  ``causes``, what its errors mean

Programs are given as arguments of ``python`` and run as children. Nothing here loads torch except
``checkpoint_weights`` when it is called.
"""

from tianji_core.training.xtuner_engine.checkpoints import (
    LEFT_BY_CONVERTER,
    checkpoint_files,
    checkpoint_weights,
    is_whole,
)
from tianji_core.training.xtuner_engine.commands import (
    DEEPSPEED,
    NEWEST_CHECKPOINT,
    PAIRS_FORM,
    RESUME_VARIABLES,
    converter_arguments,
    load_check_arguments,
    load_problem,
    trainer_arguments,
)
from tianji_core.training.xtuner_engine.config import CONFIG_NAME, render
from tianji_core.training.xtuner_engine.health import DISTRIBUTION, PACKAGES, causes
from tianji_core.training.xtuner_engine.log import (
    begun,
    curve,
    log_tail,
    logged_step,
    made_by_training,
    pass_rates,
    total_iterations,
    validations,
)
from tianji_core.training.xtuner_engine.source import (
    data_file,
    header,
    lacking,
    read_card,
    read_values,
    reference_model,
    with_base,
    with_card,
    with_values,
    with_weights,
)
from tianji_core.training.xtuner_engine.trials import trial_answers

__all__ = [
    "CONFIG_NAME",
    "DEEPSPEED",
    "DISTRIBUTION",
    "LEFT_BY_CONVERTER",
    "NEWEST_CHECKPOINT",
    "PACKAGES",
    "PAIRS_FORM",
    "RESUME_VARIABLES",
    "begun",
    "causes",
    "checkpoint_files",
    "checkpoint_weights",
    "converter_arguments",
    "curve",
    "data_file",
    "header",
    "is_whole",
    "lacking",
    "load_check_arguments",
    "load_problem",
    "log_tail",
    "logged_step",
    "made_by_training",
    "pass_rates",
    "read_card",
    "read_values",
    "reference_model",
    "render",
    "total_iterations",
    "trainer_arguments",
    "trial_answers",
    "validations",
    "with_base",
    "with_card",
    "with_values",
    "with_weights",
]
