"""the revision of the recipe whose request a sample answers"""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("samples", sa.Column("recipe_revision", sa.Integer))


def downgrade() -> None:
    op.drop_column("samples", "recipe_revision")
