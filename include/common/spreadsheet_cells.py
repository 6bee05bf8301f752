"""Text in a CSV file such that a spreadsheet that opens the file neither computes nor rewrites it.

Two rules. The registry is read by programs as well, so there a cell is changed only where it would act as a formula. A
table that people fill in comes back as the spreadsheet saved it, so there numbers and dates are protected, too.
"""

import re

MARK = "'"

_FORMULA = frozenset("=+-@＝＋－＠")
# What a spreadsheet rewrites: 007, 1E5, 1.50, 1/2, 12:30, more digits than the 15 that it keeps.
_QUANTITY = re.compile(r"(?=.*\d)[\d.,:/eE+% -]+")
_TRUTHS = frozenset({"true", "false", "истина", "ложь"})
_KEPT_NUMBER = re.compile(r"0|[1-9]\d{0,14}")
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


def plain_text(value: str) -> str:
    """Line ends become LF; other control characters are dropped."""
    if value.isprintable():
        return value
    return _UNPRINTABLE.sub("", value.replace("\r\n", "\n").replace("\r", "\n"))


def formula_safe(value: str) -> str:
    """`value` as a cell of the registry: one apostrophe in front where a spreadsheet would take it for a formula."""
    if value[:1].isalnum():
        return value
    return MARK + value if _is_formula(value.lstrip(MARK)) else value


def without_mark(cell: str) -> str:
    """What `formula_safe` was given."""
    return cell[1:] if cell.startswith(MARK) and _is_formula(cell.lstrip(MARK)) else cell


def kept_as_text(value: str) -> str:
    """`value` as a cell of a table to be filled in: one apostrophe in front of all that is not plainly text."""
    clean = plain_text(value)
    rewritten = clean.lower() in _TRUTHS or (_QUANTITY.fullmatch(clean) and not _KEPT_NUMBER.fullmatch(clean))
    return MARK + clean if rewritten or clean.startswith(MARK) or _is_formula(clean) else clean


def original_text(cell: str) -> str:
    """What `kept_as_text` was given, control characters apart."""
    return cell.removeprefix(MARK)


def _is_formula(value: str) -> bool:
    """A blank or a line end in front does not stop every spreadsheet from reading on."""
    return value[:1] in ("\t", "\r", "\n") or value.lstrip()[:1] in _FORMULA
