"""Letters with sales as a ticket seller may send them, in the encodings and tables that occur."""

from collections.abc import Sequence
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime

HEADINGS = ("Дата события", "Название события", "Город", "Продано билетов", "Сумма продажи", "Возвраты")
SIGNED = "mx.google.com; dkim=pass header.i=@qtickets.ru header.s=mail; spf=pass smtp.mailfrom=robot@qtickets.ru"


def letter(
    rows: Sequence[Sequence[str]],
    sent_at: datetime,
    *,
    headings: Sequence[str] = HEADINGS,
    subject: str = "QTickets: продажи",
    sender: str = "robot@qtickets.ru",
    results: str | None = SIGNED,
    form: str = "csv",
    encoding: str = "utf-8-sig",
    delimiter: str = ";",
    forged: str | None = None,
) -> bytes:
    """`results` is Google's own verdict on the sender; `forged` is one that came with the letter. `form`: csv, html,
    xlsx (an attachment that is none of both), or none.
    """
    made = EmailMessage()
    if results is not None:
        made["Authentication-Results"] = results
    made["From"], made["To"], made["Subject"] = sender, "sales@example.org", subject
    made["Date"] = format_datetime(sent_at)
    made.set_content("Отчёт о продажах во вложении.")
    table = [list(headings), *[list(row) for row in rows]]
    if form == "csv":
        text = "\r\n".join(delimiter.join(_quoted(cell, delimiter) for cell in row) for row in table)
        made.add_attachment(text.encode(encoding), maintype="text", subtype="csv", filename="sales.csv")
    elif form == "html":
        cells = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in table)
        layout = f"<table><tr><td>Отчёт</td></tr><tr><td><table>{cells}</table></td></tr></table>"
        made.add_alternative(f"<html><body>{layout}</body></html>", subtype="html")
    elif form == "xlsx":
        made.add_attachment(b"PK\x03\x04", maintype="application", subtype="octet-stream", filename="sales.xlsx")
    raw = made.as_bytes()
    if forged is not None:
        raw = raw.replace(b"\nFrom:", b"\nAuthentication-Results: " + forged.encode() + b"\nFrom:", 1)
    return raw


def _quoted(cell: str, delimiter: str) -> str:
    return f'"{cell}"' if delimiter in cell else cell
