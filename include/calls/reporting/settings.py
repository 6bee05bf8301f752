"""What the verdict, the report and the estimate need of the policy."""

from datetime import datetime, tzinfo

from include.calls.domain.report_figures import ReportSettings
from include.calls.domain.run_bars import Bar, Bars
from include.calls.policy import BarsPolicy, Policy


def accepted_bars(bars: BarsPolicy) -> Bars:
    most = {
        Bar.NEWLY_MISSING: bars.max_newly_missing_share,
        Bar.UNREADABLE_ROWS: bars.max_unreadable_share,
        Bar.EMPTY_TEXTS: bars.max_empty_share,
        Bar.MUCH_NOT_SENT: bars.max_much_not_sent_share,
        Bar.FLAGGED_TEXTS: bars.max_flagged_share,
    }
    return Bars(bars.min_cases, most)


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
        bars=accepted_bars(policy.bars),
        max_duration_drift=policy.thresholds.max_duration_drift,
        max_issue_share=policy.thresholds.max_issue_share,
        over_forecast_share=policy.money.approval_over_share,
        many_refusals=policy.portal.refusals_before_low_rate,
        clock_may_differ_sec=policy.portal.clock_may_differ_seconds,
        calls_url=f"{policy.report.public_url}/plugin/calls" if policy.report.public_url else "",
    )
