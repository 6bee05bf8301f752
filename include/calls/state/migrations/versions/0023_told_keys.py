"""Keys of copies leave the proofs of erasures: the SQL file of the same name."""

from contextlib import closing
from pathlib import Path

from alembic import op

revision = "0023"
down_revision = "0022"


def upgrade() -> None:
    with closing(op.get_bind().connection.cursor()) as cursor:  # several statements in one text, `%` no parameter
        cursor.execute(Path(__file__).with_suffix(".sql").read_text(encoding="utf-8"))
