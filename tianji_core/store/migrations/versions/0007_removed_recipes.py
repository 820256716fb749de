"""recipes that were removed and can be brought back"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "removed_recipes",
        sa.Column("recipe", sa.String(40), nullable=False),
        sa.Column("removed_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("recipe", name=op.f("pk_removed_recipes")),
    )


def downgrade() -> None:
    op.drop_table("removed_recipes")
