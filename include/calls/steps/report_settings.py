"""What the report and the estimate need of the policy."""

from datetime import datetime

from include.calls.domain.report_figures import ReportSettings
from include.calls.policy import Policy


def report_settings(policy: Policy, generated_at: datetime) -> ReportSettings:
    return ReportSettings(
        generated_at=generated_at,
        usd_rub_rate=policy.money.usd_rub_rate,
        budget_usd=policy.money.budget_usd,
        sla_hours=policy.schedule.sla_hours,
        lines=policy.batches.lines,
        seconds_per_minute=policy.stt.seconds_per_minute,
        min_coverage=policy.thresholds.min_coverage,
        max_error_share=policy.thresholds.max_error_share,
        max_duration_drift=policy.thresholds.max_duration_drift,
        over_forecast_share=policy.money.approval_over_share,
    )
