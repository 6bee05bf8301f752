"""Reports of the Direct API: ordered by name, built in the vendor's queue, read as TSV line by line.

The name of a report is its identity: asking again with the same name and parameters asks for the same report and takes
no new place in the queue, and for five hours it answers with the stored copy. So a load has a name of its own.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import requests

from include.clients.source_api import SourceApi, retry_after
from include.clients.yandex_direct.direct_errors import DIRECT, error_in, load_error
from include.common.errors import ContractBroken, ExportError, LoadCode, NotReady, Temporary

_OFFLINE_SECONDS = 30.0
_LONGEST_WAIT = 600.0
_TOTAL = "Total rows: "
_NULL = "--"


@dataclass(frozen=True, slots=True)
class ReportType:
    """`fields` are the columns that the report has in the answer's own order."""

    name: str
    fields: tuple[str, ...]


BY_AD = ReportType(
    "AD_PERFORMANCE_REPORT", ("Date", "CampaignId", "AdGroupId", "AdId", "Impressions", "Clicks", "Cost")
)
BY_ACCOUNT = ReportType("ACCOUNT_PERFORMANCE_REPORT", ("Date", "Impressions", "Clicks", "Cost"))


class TooHeavy(Temporary):
    """The server could not build the report in its time; half the days may do."""


class DirectReports:
    """Reports of one login. `headers` carry its access."""

    def __init__(self, api: SourceApi, headers: Mapping[str, str]) -> None:
        self._api = api
        self._headers = {
            **headers,
            "processingMode": "auto",
            "returnMoneyInMicros": "false",
            "skipReportHeader": "true",
            "skipColumnHeader": "false",
            "skipReportSummary": "false",  # its last line says how many rows there are: half an answer is noticed
        }

    def rows(self, kind: ReportType, first: date, last: date, name: str) -> Iterator[dict[str, str]]:
        """The report's rows by column, in the order of days; values that the source has not are "".

        Raises NotReady with `retry_after` while the report is queued or built: then ask with the same `name`.
        Raises TooHeavy, and the errors of `direct_errors.py`; also at the end, if rows are missing.
        """
        params = _parameters(kind, first, last, name)
        response = self._api.retrying("reports", lambda: self._ordered(params))
        with response:
            yield from self._lines(kind, response)

    def _ordered(self, params: Mapping[str, Any]) -> requests.Response:
        response = self._api.send(
            "POST", "reports", "reports", body={"params": params}, headers=self._headers, stream=True
        )
        if response.status_code == 200:
            return response
        with response:
            raise self._error(response)

    def _error(self, response: requests.Response) -> ExportError:
        status = response.status_code
        if status in (201, 202):
            return NotReady(
                "Yandex Direct: the report is not built yet",
                code=LoadCode.REPORT_NOT_READY,
                retry_after=_retry_in(response),
            )
        if status == 502:
            return TooHeavy(
                "Yandex Direct: the report could not be built in time",
                code=LoadCode.SOURCE_UNAVAILABLE,
                retry_after=_LONGEST_WAIT,  # never repeated as it is
            )
        try:
            error = error_in(response.json())
        except (ValueError, requests.RequestException):
            error = None
        if error is not None:
            return load_error(self._api, error, "reports")
        return self._api.error_of(status, "reports", retry_after=retry_after(response.headers))

    def _lines(self, kind: ReportType, response: requests.Response) -> Iterator[dict[str, str]]:
        lines = self._decoded(response)
        heading = next(lines, "")
        if heading.lstrip().startswith(("{", "<")):
            raise self._api.unknown_form("reports", "HTTP 200 without a report")
        columns = heading.split("\t")
        if missing := [field for field in kind.fields if field not in columns]:
            raise self._missing_columns(missing)
        count, promised = 0, None
        for line in lines:
            if line.startswith(_TOTAL):
                promised = line.removeprefix(_TOTAL).strip()
                continue
            values = line.split("\t")
            if len(values) != len(columns):
                raise self._api.unknown_form("reports", "a row has other columns than the heading")
            count += 1
            yield {name: "" if value == _NULL else value for name, value in zip(columns, values, strict=True)}
        if promised != str(count):
            raise self._api.unknown_form("reports", f"{count} rows came of {promised or 'an unknown number'}")

    def _decoded(self, response: requests.Response) -> Iterator[str]:
        try:
            for line in response.iter_lines(chunk_size=65536):
                if line:
                    yield line.decode("utf-8", "replace")
        except requests.RequestException as broken:
            failure = self._api.unavailable(broken)
        else:
            return
        raise failure

    def _missing_columns(self, missing: Sequence[str]) -> ContractBroken:
        return ContractBroken(
            f"Yandex Direct: the report has no column {', '.join(missing)}",
            code=LoadCode.SCHEMA_DRIFT,
            problem="source_changed_form",
            source=DIRECT.title,
            fields=", ".join(missing),
        )


def _parameters(kind: ReportType, first: date, last: date, name: str) -> dict[str, Any]:
    params: dict[str, Any] = {
        "SelectionCriteria": {"DateFrom": first.isoformat(), "DateTo": last.isoformat()},
        "FieldNames": list(kind.fields),
        "OrderBy": [{"Field": "Date", "SortOrder": "ASCENDING"}],
        "ReportType": kind.name,
        "DateRangeType": "CUSTOM_DATE",
        "Format": "TSV",
        "IncludeVAT": "YES",
    }
    digest = hashlib.sha256(json.dumps(params, sort_keys=True).encode()).hexdigest()[:16]
    return {**params, "ReportName": f"{name} {digest}"}


def _retry_in(response: requests.Response) -> float:
    given = response.headers.get("retryIn", "")
    return min(float(given), _LONGEST_WAIT) if given.isascii() and given.isdecimal() else _OFFLINE_SECONDS
