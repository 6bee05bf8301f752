"""Rows of a load on their way: a file of this task, so that nothing is written before the answer is whole.

It holds projected rows only: nothing of a buyer reaches the disk. In memory are hashes of keys and numbers of orders,
8 bytes each.
"""

import pickle
import tempfile
from array import array
from collections import Counter
from collections.abc import Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np

from include.common.errors import LoadCode, Temporary
from include.sales.domain.rows import Row, Table
from include.sales.domain.scopes import Batch
from include.sales.state.warehouse_rows import KEYS, MONEY_OF, MONTH_OF, by_month, columns, key_positions
from include.sales.state.warehouse_text import text_of


class Part(NamedTuple):
    """Rows of one table and one month as lines of text."""

    table: Table
    month: tuple[int, int]
    rows: int
    text: bytes


class Spool:
    """Batches that were fetched; `parts` gives them back in the order of their coming."""

    def __init__(self, folder: Path | None = None) -> None:
        self._file = tempfile.TemporaryFile(dir=folder, prefix="sales-")  # noqa: SIM115 - closed by __exit__
        self._keys: dict[Table, array[int]] = {}
        self._bounds: dict[Table, tuple[Any, Any]] = {}
        self.counts: Counter[Table] = Counter()
        self._amounts: dict[Table, Decimal] = {}
        self.orders = array("Q")

    def empty(self) -> None:
        """Forgets all that was added."""
        self._file.seek(0)
        self._file.truncate()
        self._keys.clear()
        self._bounds.clear()
        self.counts.clear()
        self._amounts.clear()
        self.orders = array("Q")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def add(self, batch: Batch) -> None:
        """Raises nothing of the rows: the source has checked them."""
        self.orders.extend(batch.orders)
        if not batch.rows:
            return
        positions = key_positions(batch.table)
        keys = self._keys.setdefault(batch.table, array("q"))
        for month, rows in by_month(batch.table, batch.rows).items():
            part = Part(batch.table, month, len(rows), text_of(rows))
            pickle.dump((part.table.value, part.month, part.rows, part.text), self._file, pickle.HIGHEST_PROTOCOL)
            keys.extend(hash(tuple(row[at] for at in positions)) for row in rows)
        self.counts[batch.table] += len(batch.rows)
        self._amounts[batch.table] = self.amount(batch.table) + _amount(batch.table, batch.rows)
        self._widen(batch)

    def tables(self) -> list[Table]:
        return [table for table in Table if self.counts[table]]

    def bounds(self, table: Table) -> tuple[Any, Any] | None:
        """The lowest and highest value of the column by whose month the table is divided."""
        return self._bounds.get(table)

    def amount(self, table: Table) -> Decimal:
        return self._amounts.get(table, Decimal(0))

    def refuse_repeated_keys(self) -> None:
        """Raises Temporary (`paging_unstable`) where a key came twice: which row is newer cannot be known.

        Pages that shifted fit when they are fetched anew.
        """
        for table, keys in self._keys.items():
            came = np.frombuffer(keys, dtype=np.int64)
            repeated = len(came) - len(np.unique(came))
            if repeated:
                _, first, times = np.unique(came, return_index=True, return_counts=True)
                example = self._key_of(table, int(first[np.argmax(times)]))
                raise Temporary(
                    f"{repeated} keys of {table} came twice in one answer, one of them {example}",
                    code=LoadCode.PAGING_UNSTABLE,
                    problem="repeated_keys",
                    table=table,
                    repeated=repeated,
                    example=example,
                )

    def _key_of(self, table: Table, number: int) -> str:
        """The key of the table's row with this number, by the names of its columns."""
        for part in self.parts():
            if part.table is not table:
                continue
            if number < part.rows:
                fields = part.text.split(b"\n")[number].decode().split("\t")
                key = [fields[at] for at in key_positions(table)]
                return ", ".join(f"{name} {value}" for name, value in zip(KEYS[table], key, strict=True))
            number -= part.rows
        raise AssertionError("the number is of a row in the file")

    def missing(self, table: Table, present: Iterator[tuple[Any, ...]]) -> tuple[int, int]:
        """How many keys the warehouse shows, and how many of them did not come."""
        shown = np.fromiter((hash(key) for key in present), dtype=np.int64)
        came = np.sort(np.frombuffer(self._keys.get(table, array("q")), dtype=np.int64))
        if not len(came):
            return len(shown), len(shown)
        at = np.searchsorted(came, shown)
        at[at == len(came)] = 0
        return len(shown), int(np.count_nonzero(came[at] != shown))

    def parts(self) -> Iterator[Part]:
        """What was added, again."""
        self._file.seek(0)
        while True:
            try:
                table, month, rows, text = pickle.load(self._file)  # noqa: S301 - written by this process alone
            except EOFError:
                return
            yield Part(Table(table), month, rows, text)

    def _widen(self, batch: Batch) -> None:
        column = MONTH_OF.get(batch.table)
        if column is None:
            return
        at = columns(batch.table).index(column)
        values: list[Any] = [row[at] for row in batch.rows]
        low, high = min(values), max(values)
        if known := self._bounds.get(batch.table):
            low, high = min(low, known[0]), max(high, known[1])
        self._bounds[batch.table] = (low, high)


def _amount(table: Table, rows: tuple[Row, ...]) -> Decimal:
    named = MONEY_OF.get(table)
    if named is None:
        return Decimal(0)
    factors = [columns(table).index(name) for name in named.split(" * ")]
    plain: Sequence[Sequence[Any]] = rows
    if len(factors) == 1:
        return sum((row[factors[0]] for row in plain), Decimal(0))
    return sum((row[factors[0]] * row[factors[1]] for row in plain), Decimal(0))
