"""A window is compared as a whole: what the warehouse shows now and the source's answer has not would be tombstoned."""

from dataclasses import dataclass

from include.common.errors import ContractBroken, LoadCode


@dataclass(frozen=True, slots=True)
class ShrinkRule:
    """`share` of a window's keys, and more than `keys` of them, may not vanish unseen."""

    share: float
    keys: int

    def suspects(self, known: int, absent: int, came: int) -> bool:
        """Whether an answer of `came` keys, in which `absent` of the `known` are missing, is not to be believed."""
        if known > 0 and came == 0:
            return True
        return absent > self.keys and absent > self.share * known

    def check(self, known: int, absent: int, came: int, *, accepted: bool = False) -> None:
        """Raises ContractBroken (shrunk_window) unless a person has accepted it."""
        if accepted or not self.suspects(known, absent, came):
            return
        raise ContractBroken(
            f"the answer has {came} rows of the window and lacks {absent} of {known} known ones: nothing is written",
            code=LoadCode.SHRUNK_WINDOW,
            problem="shrunk_window",
            came=came,
            absent=absent,
            known=known,
        )
