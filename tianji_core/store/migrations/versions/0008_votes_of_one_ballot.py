"""the ballot that a vote is part of, and the sampling of both answers"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("votes") as votes:
        votes.add_column(sa.Column("ballot", sa.String(length=120), nullable=False, server_default=""))
        votes.add_column(sa.Column("winner_setting", sa.String(length=40), nullable=False, server_default=""))
        votes.add_column(sa.Column("loser_setting", sa.String(length=40), nullable=False, server_default=""))
    # The votes of one ballot were stored at once; a teacher judges pair by pair.
    op.execute("UPDATE votes SET ballot = CAST(created_at AS VARCHAR(60)) WHERE voter = 'person'")


def downgrade() -> None:
    with op.batch_alter_table("votes") as votes:
        for column in ("loser_setting", "winner_setting", "ballot"):
            votes.drop_column(column)
