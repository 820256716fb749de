"""the fact that a text is to use, on tasks and samples, and the examples that its request showed"""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Adding a column in place: a table made anew would be copied, however many samples it has.
    for table in ("tasks", "samples"):
        op.add_column(table, sa.Column("fact", sa.Text(), nullable=False, server_default=""))
    op.add_column("tasks", sa.Column("turn", sa.Integer()))
    op.add_column("samples", sa.Column("examples", sa.JSON(), nullable=False, server_default="[]"))


def downgrade() -> None:
    op.drop_column("samples", "examples")
    op.drop_column("tasks", "turn")
    for table in ("samples", "tasks"):
        op.drop_column(table, "fact")
