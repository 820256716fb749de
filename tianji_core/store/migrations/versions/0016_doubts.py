"""how doubtful a sample is in which the rules found nothing"""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("samples", sa.Column("doubt", sa.Float(), nullable=False, server_default="0"))


def downgrade() -> None:
    op.drop_column("samples", "doubt")
