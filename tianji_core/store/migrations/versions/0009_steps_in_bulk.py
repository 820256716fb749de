"""whether a step was taken on samples that a filter found"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("steps", sa.Column("bulk", sa.Boolean(), nullable=False, server_default=sa.false()))
    # Older steps do not tell how their samples were chosen: those on several count as taken in bulk.
    op.execute(sa.text("UPDATE steps SET bulk = :yes WHERE count > 1").bindparams(yes=True))


def downgrade() -> None:
    op.drop_column("steps", "bulk")
