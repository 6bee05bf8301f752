"""The index that the deletion of a text needs: the SQL file of the same name."""

from contextlib import closing
from pathlib import Path

from alembic import op

revision = "0024"
down_revision = "0023"


def upgrade() -> None:
    with closing(op.get_bind().connection.cursor()) as cursor:  # several statements in one text, `%` no parameter
        cursor.execute(Path(__file__).with_suffix(".sql").read_text(encoding="utf-8"))
