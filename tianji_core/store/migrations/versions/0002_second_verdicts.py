"""second verdicts, why a step was taken, samples by teacher"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("steps") as steps:
        steps.add_column(sa.Column("note", sa.Text(), nullable=False, server_default=""))
        steps.create_index("ix_steps_recipe_who_id", ["recipe", "who", "id"])
    undone = sa.text("undone")
    op.create_index(
        "ix_steps_undone", "steps", ["recipe", "id"], sqlite_where=undone, postgresql_where=undone
    )
    op.create_index("ix_samples_recipe_model_id", "samples", ["recipe", "model", "id"])
    op.create_table(
        "second_verdicts",
        sa.Column("step_id", sa.Integer(), nullable=False),
        sa.Column("recipe", sa.String(length=40), nullable=False),
        sa.Column("sample_id", sa.Integer(), nullable=False),
        sa.Column("first_who", sa.String(length=40), nullable=False),
        sa.Column("first_state", sa.String(length=10), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("resolved_by", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["resolved_by"], ["steps.id"], name=op.f("fk_second_verdicts_resolved_by_steps")
        ),
        sa.ForeignKeyConstraint(
            ["sample_id"], ["samples.id"], name=op.f("fk_second_verdicts_sample_id_samples")
        ),
        sa.ForeignKeyConstraint(["step_id"], ["steps.id"], name=op.f("fk_second_verdicts_step_id_steps")),
        sa.PrimaryKeyConstraint("step_id", name=op.f("pk_second_verdicts")),
    )
    op.create_index("ix_second_verdicts_recipe_sample_id", "second_verdicts", ["recipe", "sample_id"])
    op.create_table(
        "review_settings",
        sa.Column("recipe", sa.String(length=40), nullable=False),
        sa.Column("second_share", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("recipe", name=op.f("pk_review_settings")),
    )


def downgrade() -> None:
    op.drop_table("review_settings")
    op.drop_table("second_verdicts")
    op.drop_index("ix_samples_recipe_model_id", "samples")
    with op.batch_alter_table("steps") as steps:
        steps.drop_index("ix_steps_undone")
        steps.drop_index("ix_steps_recipe_who_id")
        steps.drop_column("note")
