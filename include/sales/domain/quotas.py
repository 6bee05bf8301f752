"""Which limit of a source is nearly used up."""

from collections.abc import Mapping

_REFILLED = frozenset({"rps"})  # back within a second


def low_quotas(left: Mapping[str, int], limits: Mapping[str, int], share: float) -> list[str]:
    """Names of the limits of which less than `share` is left."""
    counted = {name: limit for name, limit in limits.items() if name not in _REFILLED}
    return [name for name, limit in sorted(counted.items()) if left.get(name, limit) < limit * share]
