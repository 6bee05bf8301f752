"""The report of a run for the product owner and the analysts: Markdown, PDF and the pictures they share."""

import json
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from include.calls.domain.report_figures import ReportSettings, RunFigures
from include.calls.reporting.markdown import render
from include.calls.reporting.pictures import draw
from include.calls.reporting.report_tables import Mask
from include.calls.reporting.report_view import View, report_view
from include.calls.wording.report import CAPTIONS

_TYPST_TEMPLATE = Path(__file__).parent / "templates" / "report.typ"


@dataclass(frozen=True, slots=True)
class ReportFiles:
    """`pictures` by file name, to be stored beside the Markdown, which refers to them by that name."""

    markdown: str
    pdf: bytes
    pictures: Mapping[str, bytes]


def render_report(
    figures: RunFigures, settings: ReportSettings, *, folder: str, mask: Mask, part: str = ""
) -> ReportFiles:
    """`folder` is the period's (`2025-08-01_2025-08-31`), `part` the end of its files' names (`storage_keys.part_of`);
    `mask` hides phone numbers in error messages."""
    view = report_view(figures, settings, folder, mask)
    pictures = {f"summary_{folder}{part}_{name}.png": picture for name, picture in draw(figures, settings.zone).items()}
    view["pictures"] = [
        {"file": file, "caption": caption} for file, caption in zip(pictures, CAPTIONS.values(), strict=True)
    ]
    return ReportFiles(render("summary.md.j2", view=view, pictures=view["pictures"]), _pdf(view, pictures), pictures)


def _pdf(view: View, pictures: Mapping[str, bytes]) -> bytes:
    """With typst's own fonts only, so that the page looks the same on every machine."""
    import typst  # noqa: PLC0415  # 77 MB that only this task needs

    # names and ids of calls stay in memory: a killed task leaves only pictures behind, no personal data
    texts = {
        "main.typ": _TYPST_TEMPLATE.read_bytes(),
        "view.json": json.dumps(view, ensure_ascii=False).encode(),
    }
    with tempfile.TemporaryDirectory(prefix="report-") as name:
        for file, picture in pictures.items():
            (Path(name) / file).write_bytes(picture)
        pdf: bytes = typst.compile(  # type: ignore[call-overload]  # the stubs know no texts by name
            texts, root=name, ignore_system_fonts=True
        )
        return pdf
