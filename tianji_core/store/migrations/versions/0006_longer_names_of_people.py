"""names of people as long as an e-mail address"""

import re

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

COLUMNS = (("steps", "who"), ("second_verdicts", "first_who"), ("votes", "who"))


def upgrade() -> None:
    _set_lengths(40, 254)


def downgrade() -> None:
    _set_lengths(254, 40)


def _set_lengths(before: int, after: int) -> None:
    if op.get_bind().dialect.name == "sqlite":
        _redeclare(before, after)
        return
    for table, column in COLUMNS:
        op.alter_column(
            table,
            column,
            type_=sa.String(after),
            existing_type=sa.String(before),
            existing_nullable=False,
        )


def _redeclare(before: int, after: int) -> None:
    """Changes the declared lengths only, which SQLite does not enforce. Making the tables anew would break
    the references to ``steps``; https://sqlite.org/lang_altertable.html describes this procedure."""
    connection = op.get_bind()
    version = connection.exec_driver_sql("PRAGMA schema_version").scalar_one()
    connection.exec_driver_sql("PRAGMA writable_schema=ON")
    for table, column in COLUMNS:
        found = connection.execute(
            sa.text("SELECT sql FROM sqlite_master WHERE type = 'table' AND name = :table"), {"table": table}
        ).scalar_one()
        declared = re.sub(rf'(?<![\w"])("?{column}"? VARCHAR)\({before}\)', rf"\1({after})", found, count=1)
        connection.execute(
            sa.text("UPDATE sqlite_master SET sql = :declared WHERE type = 'table' AND name = :table"),
            {"declared": declared, "table": table},
        )
    connection.exec_driver_sql(f"PRAGMA schema_version={version + 1}")
    connection.exec_driver_sql("PRAGMA writable_schema=OFF")
