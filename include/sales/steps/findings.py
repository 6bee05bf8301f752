"""What a load saw and a person should know of becomes alerts."""

from include.sales.domain.jobs import Job
from include.sales.domain.scopes import Kind
from include.sales.state.loads import Load
from include.sales.state.sales_alerts import AlertType
from include.sales.state.state import SalesState
from include.sales.steps.load import Loaded
from include.sales.wording.alerts import FINDING, TITLES

GRAVE: frozenset[str] = frozenset({"reconciliation_gap", "mail_untrusted", "account_gone"})


def note_findings(state: SalesState, job: Job, load: Load, loaded: Loaded) -> None:
    """Opens an alert for each finding. A window without one closes what an earlier one found: it has read all rows."""
    for code, times in loaded.findings.items():
        if not times:
            continue
        kind: AlertType = "error" if code in GRAVE else "warning"
        state.alerts.see(
            code,
            kind,
            job=job.name,
            source=load.source,
            account=load.account,
            message=FINDING.format(title=TITLES.get(code, code), times=times),
            details={"times": times, "examples": loaded.examples.get(code, []), "load_id": load.load_id},
        )
    if load.kind == Kind.WINDOW:
        for alert in state.alerts.open():
            same = (alert.job, alert.source, alert.account) == (job.name, load.source, load.account)
            if same and alert.code in _FINDINGS and not loaded.findings.get(alert.code):
                state.alerts.resolve(alert.code, job=job.name, source=load.source, account=load.account)


_FINDINGS = frozenset(
    {
        "reconciliation_gap",
        "price_mismatch",
        "foreign_currency",
        "unknown_city",
        "utm_unparsed",
        "account_gone",
        "quota_low",
    }
)
