"""The thresholds of the quality flags that runs use, for tests of the flags."""

from include.calls.policy import load_policy
from include.calls.steps.build_transcript import review_of

_POLICY = load_policy({})
REVIEW_POLICY = review_of(_POLICY.stt, _POLICY.review).policy
