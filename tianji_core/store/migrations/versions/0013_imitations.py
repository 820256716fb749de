"""paragraphs that a person likes and the texts written in their manner"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "imitation_runs",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("recipe", sa.String(40), nullable=False),
        sa.Column("recipe_revision", sa.Integer(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("teacher", sa.JSON(), nullable=False),
        sa.Column("sampling", sa.JSON(), nullable=False),
        sa.Column("settings", sa.JSON(), nullable=False),
        sa.Column("concurrency", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_imitation_runs")),
    )
    op.create_table(
        "imitations",
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("parent", sa.Integer(), nullable=True),
        sa.Column("stage", sa.String(10), nullable=False),
        sa.Column("name", sa.String(40), nullable=False),
        sa.Column("scene", sa.String(40), nullable=False),
        sa.Column("style", sa.String(40), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("talk", sa.JSON(), nullable=False),
        sa.Column("turns", sa.Integer(), nullable=False),
        sa.Column("wording", sa.Float(), nullable=True),
        sa.Column("structure", sa.Float(), nullable=True),
        sa.Column("near", sa.Integer(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("sample_id", sa.Integer(), nullable=True),
        sa.Column("error_kind", sa.String(20), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("prompt_tokens", sa.Integer(), nullable=False),
        sa.Column("completion_tokens", sa.Integer(), nullable=False),
        sa.Column("updated_at", sa.DateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["run_id"], ["imitation_runs.id"], name=op.f("fk_imitations_run_id_imitation_runs")
        ),
        sa.ForeignKeyConstraint(["sample_id"], ["samples.id"], name=op.f("fk_imitations_sample_id_samples")),
        sa.PrimaryKeyConstraint("run_id", "position", name=op.f("pk_imitations")),
    )
    op.create_index("ix_imitations_run_id_state", "imitations", ["run_id", "state"])
    op.create_index("ix_imitations_sample_id", "imitations", ["sample_id"])


def downgrade() -> None:
    op.drop_table("imitations")
    op.drop_table("imitation_runs")
