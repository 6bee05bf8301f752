"""What all sources of the warehouse do while they are read."""

from collections.abc import Iterator, Sequence

from include.common.errors import BadRow, ContractBroken, LoadCode
from include.sales.domain.scopes import Batch, Counters


def with_rows_counted(batches: Iterator[Batch], counters: Counters) -> Iterator[Batch]:
    """The batches that hold something; a BadRow that ends the reading becomes ContractBroken."""
    try:
        for batch in batches:
            counters.rows[batch.table] += len(batch.rows)
            if batch.rows or batch.orders:
                yield batch
    except BadRow as bad:
        failure = _unreadable([bad], "the source")
    else:
        return
    raise failure


def refuse_bad_rows(bad_rows: Sequence[BadRow], source: str) -> None:
    """Raises ContractBroken (bad_row) if there is one: in a window an unread row would count as a vanished one."""
    if bad_rows:
        raise _unreadable(bad_rows, source)


def _unreadable(bad_rows: Sequence[BadRow], source: str) -> ContractBroken:
    return ContractBroken(
        f"{source}: {len(bad_rows)} rows cannot be read, the first one: {bad_rows[0]}",
        code=LoadCode.BAD_ROW,
        problem="source_bad_row",
        count=len(bad_rows),
        row=str(bad_rows[0]),
    )
