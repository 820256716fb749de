"""xtuner 0.2.0 as the training engine: the only folder that knows its names, forms and files.

The studio's own process imports ``config``, ``commands``, ``log``, ``trials``, ``checkpoints`` and
``health``, through :mod:`tianji_core.training.engine` alone. The others run where torch and xtuner are
loaded: ``trainer``, ``converter`` and ``load_check`` are programs, ``prompt_ids`` changes the xtuner of the
trainer, and configs name the classes in ``cpu``, ``fast_finetune`` and ``validation``.
"""
