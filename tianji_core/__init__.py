"""Everything the studio does, without a browser.

Rooms, each knowing only those below it: cli → generation, cleaning, dataset, training, models, serving,
evaluation, advice → teachers, store, jobs → recipe → workspace, i18n, errors.
"""

__version__ = "0.1.0"
