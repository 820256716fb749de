"""the options of a recipe's axes on tasks and samples"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

INDEX = "ix_samples_recipe_options_id"


def upgrade() -> None:
    # Adding a column in place: a table made anew would be copied, however many samples it has.
    for table in ("tasks", "samples"):
        op.add_column(table, sa.Column("options", sa.Text(), nullable=False, server_default="{}"))
    op.create_index(INDEX, "samples", ["recipe", "options", "id"])


def downgrade() -> None:
    op.drop_index(INDEX, "samples")
    for table in ("samples", "tasks"):
        op.drop_column(table, "options")
