"""workers that share the tasks of a run"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("runs", sa.Column("paused", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("tasks", sa.Column("worker", sa.Integer(), nullable=True))
    op.create_table(
        "run_workers",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("leads", sa.Boolean(), nullable=False),
        sa.Column("capacity", sa.Integer(), nullable=False),
        sa.Column("share", sa.Integer(), nullable=False),
        sa.Column("stored", sa.Integer(), nullable=False),
        sa.Column("rate", sa.Float(), nullable=False),
        sa.Column("in_flight", sa.Integer(), nullable=False),
        sa.Column("tokens", sa.Integer(), nullable=False),
        sa.Column("cost", sa.Float(), nullable=False),
        sa.Column("started_at", sa.DateTime(), nullable=False),
        sa.Column("beat_at", sa.DateTime(), nullable=False),
        sa.Column("ended", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name=op.f("fk_run_workers_run_id_runs")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_run_workers")),
    )
    op.create_index("ix_run_workers_run_id_beat_at", "run_workers", ["run_id", "beat_at"])
    op.create_table(
        "teacher_paces",
        sa.Column("teacher", sa.String(64), nullable=False),
        sa.Column("requests_at", sa.Float(), nullable=False),
        sa.Column("tokens_at", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("teacher", name=op.f("pk_teacher_paces")),
    )


def downgrade() -> None:
    op.drop_table("teacher_paces")
    op.drop_table("run_workers")
    op.drop_column("tasks", "worker")
    op.drop_column("runs", "paused")
