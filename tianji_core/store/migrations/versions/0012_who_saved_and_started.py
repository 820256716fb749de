"""who saved a revision of a recipe and who started a job"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

TABLES = ("recipe_revisions", "jobs")


def upgrade() -> None:
    for table in TABLES:
        op.add_column(table, sa.Column("who", sa.String(254), nullable=False, server_default=""))


def downgrade() -> None:
    for table in TABLES:
        op.drop_column(table, "who")
