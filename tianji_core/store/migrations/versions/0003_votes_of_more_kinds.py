"""ties, second voters and what a vote was about"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("votes") as votes:
        votes.add_column(sa.Column("name", sa.String(length=40), nullable=False, server_default=""))
        votes.add_column(sa.Column("scene", sa.String(length=40), nullable=False, server_default=""))
        votes.add_column(sa.Column("outcome", sa.String(length=10), nullable=False, server_default="better"))
        votes.add_column(sa.Column("voter", sa.String(length=10), nullable=False, server_default="person"))
        votes.add_column(sa.Column("reason", sa.Text(), nullable=False, server_default=""))
        votes.add_column(sa.Column("prompt_tokens", sa.Integer(), nullable=True))
        votes.add_column(sa.Column("completion_tokens", sa.Integer(), nullable=True))
        votes.create_index("ix_votes_recipe_voter", ["recipe", "voter"])


def downgrade() -> None:
    with op.batch_alter_table("votes") as votes:
        votes.drop_index("ix_votes_recipe_voter")
        for column in (
            "completion_tokens",
            "prompt_tokens",
            "reason",
            "voter",
            "outcome",
            "scene",
            "name",
        ):
            votes.drop_column(column)
