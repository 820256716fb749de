"""How much a database holds, for a report about a problem: numbers only."""

from sqlalchemy import Engine, func, select

from tianji_core.store.database import reading
from tianji_core.store.schema import metadata


def row_counts(engine: Engine) -> dict[str, int]:
    """Returns table → number of rows."""
    with reading(engine) as connection:
        return {
            name: connection.execute(select(func.count()).select_from(table)).scalar_one()
            for name, table in sorted(metadata.tables.items())
        }
