"""A window is compared as a whole: keys that the warehouse shows and the source's answer lacks would be tombstoned."""


def is_suspect(known: int, absent: int, came: int, *, share: float, keys: int) -> bool:
    """Whether an answer of `came` keys that lacks `absent` of the `known` ones is not to be believed.

    Nothing where there was something is suspected; so is the loss of more than `share` of the keys, if that is more
    than `keys` of them.
    """
    if known > 0 and came == 0:
        return True
    return absent > keys and absent > share * known
