"""Delivers the files of a period that is known already, without a run: texts, summaries, audio, a fresh registry."""

from dataclasses import dataclass, replace

from include.calls.domain.audit_chain import Action
from include.calls.domain.report_zone import report_zone
from include.calls.domain.stages import Stage
from include.calls.domain.storage_keys import portal_part, registry_key
from include.calls.policy import Policy
from include.calls.state.audit import AuditLog
from include.calls.state.figures import ReportFigures
from include.calls.state.publications import Publications
from include.calls.state.state import State
from include.calls.state.types import Run
from include.calls.steps.deliver import deliver, masked_delivery
from include.calls.steps.publish import publish, publish_registry
from include.calls.steps.restore_texts import restore_texts
from include.clients.storage.base import Storage
from include.common.errors import BadInput
from include.common.periods import Period


@dataclass(slots=True)
class Delivered:
    """How many files a delivery has written into the folder of the period."""

    texts: int = 0
    audio: int = 0


def deliver_period(
    period: Period,
    part: str,
    state: State,
    storage: Storage,
    policy: Policy,
    *,
    audio: bool,
    mask: bool | None,
    actor: str,
) -> Delivered:
    """Safe to run twice: what is delivered already and unchanged stays. `part` is that of the period's file names.

    `mask` hides personal data in texts, registry and report; None: as before, a new folder as the policy says. Raises
    BadInput for audio in a masked folder, and if no portal's calls of these days were listed whole.
    """
    if mask and audio:
        raise _no_mask_for_audio()
    done, found = Delivered(), False
    audit, asked = AuditLog(state.session), {"folder": period.folder, "audio": audio}
    audit.record(Action.DELIVERY_STARTED, actor=actor, detail=asked)
    for portal_id in Publications(state.session).portals():
        key = registry_key(period, part + portal_part(portal_id))
        with state.transaction():
            Publications(state.session).lock(key)
            run = run_of(portal_id, period, key, state)
            if run is None:
                continue
            found = True
            _deliver(run, key, state, storage, policy, audio=audio, mask=mask, actor=actor, done=done)
            copied = {**asked, "texts": done.texts, "audio_files": done.audio}
            audit.record(Action.TEXTS_DELIVERED, actor=actor, run_id=run.run_id, detail=copied)
    if not found:
        first, last = f"{period.start:%Y-%m-%d}", f"{period.end:%Y-%m-%d}"
        raise BadInput(
            f"the calls of these days were never listed whole: make export FROM={first} TO={last} exports them",
            problem="period_not_known",
            period_from=first,
            period_to=last,
        )
    return done


def run_of(portal_id: int, period: Period, key: str, state: State) -> Run | None:
    """Whose registry is written: the run whose registry is there, or the newest run that listed some of these days.

    The latter is given the period, because its own one is another.
    """
    publisher, newest = Publications(state.session).publisher(key), Publications(state.session).known(portal_id, period)
    if publisher is not None:
        run = state.runs.get(publisher)
        if newest is None or (run.period_from <= period.start and run.period_to >= period.end):
            return run
    if newest is None:
        return None
    return replace(state.runs.get(newest), period_from=period.start, period_to=period.end, last_statistics_id=None)


def _deliver(
    run: Run,
    key: str,
    state: State,
    storage: Storage,
    policy: Policy,
    *,
    audio: bool,
    mask: bool | None,
    actor: str,
    done: Delivered,
) -> None:
    folder, before = run.period.folder, Publications(state.session).delivery(key)
    zone = report_zone(policy.report.time_zone, ReportFigures(state.session).usual_offset(run.run_id))
    texts = restore_texts(run.scope, state, storage, policy.privacy, zone=zone)
    masked = masked_delivery(before, policy.privacy) if mask is None else mask
    if masked and audio:
        raise _no_mask_for_audio()
    delivered = deliver(run.scope, folder, before, state, storage, audio=audio, masked=masked)
    delivered.lost = texts.lost
    Publications(state.session).note_delivery(key, audio=audio, masked=masked, run_id=None, actor=actor)
    publisher = Publications(state.session).publisher(key)
    if publisher is not None and masked != (before is not None and before.masked):
        publish(publisher, state, storage, policy)  # the report beside the registry hides, or shows, the same
    publish_registry(run, key, delivered, state, storage, policy.privacy, zone, complete=True)
    detail = {"texts": delivered.texts, "audio": delivered.audio, "by": actor}
    state.events.add(run.run_id, stage=Stage.DELIVER, event="delivered", detail=detail)
    done.texts += delivered.texts
    done.audio += delivered.audio


def _no_mask_for_audio() -> BadInput:
    return BadInput("personal data cannot be hidden in audio: deliver it without MASK", problem="audio_has_no_mask")
