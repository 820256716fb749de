"""The trainer under the name that Slurm scripts and commands which people kept have for it. It stands in
:mod:`tianji_core.training.xtuner_engine.trainer`."""

from tianji_core.training.xtuner_engine.trainer import main

if __name__ == "__main__":
    main()
