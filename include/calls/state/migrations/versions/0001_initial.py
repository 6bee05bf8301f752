"""The first schema: the SQL file of the same name."""

from contextlib import closing
from pathlib import Path

from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    # the driver's own cursor: it takes several statements in one text, and `%` and `:` in it are no parameters
    with closing(op.get_bind().connection.cursor()) as cursor:
        cursor.execute(Path(__file__).with_suffix(".sql").read_text(encoding="utf-8"))
