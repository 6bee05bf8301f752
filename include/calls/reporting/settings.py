"""What the report and the estimate need of the policy."""

from datetime import datetime, tzinfo

from include.calls.domain.report_figures import ReportSettings
from include.calls.policy import Policy


def report_settings(policy: Policy, generated_at: datetime, zone: tzinfo) -> ReportSettings:
    """`zone` is `report_zone`'s, which knows the portal's offset."""
    return ReportSettings(
        generated_at=generated_at,
        zone=zone,
        usd_rub_rate=policy.money.usd_rub_rate,
        budget_usd=policy.money.budget_usd,
        sla_hours=policy.schedule.sla_hours,
        slots=policy.batches.slots,
        seconds_per_minute=policy.stt.seconds_per_minute,
        min_coverage=policy.thresholds.min_coverage,
        max_error_share=policy.thresholds.max_error_share,
        max_duration_drift=policy.thresholds.max_duration_drift,
        max_issue_share=policy.thresholds.max_issue_share,
        over_forecast_share=policy.money.approval_over_share,
        many_refusals=policy.portal.refusals_before_low_rate,
    )
