"""who made a run, an import, a dataset version and a training"""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

TABLES = ("runs", "knowledge_runs", "imitation_runs", "imports", "dataset_versions", "training_runs")


def upgrade() -> None:
    for table in TABLES:
        op.add_column(table, sa.Column("who", sa.String(254), nullable=False, server_default=""))


def downgrade() -> None:
    for table in TABLES:
        op.drop_column(table, "who")
