"""Whether the check digits of a number are right."""

_INN = ((2, 4, 10, 3, 5, 9, 4, 6, 8), (7, 2, 4, 10, 3, 5, 9, 4, 6, 8), (3, 7, 2, 4, 10, 3, 5, 9, 4, 6, 8))
_CARD_LENGTHS = range(13, 20)


def is_card(digits: str) -> bool:
    """Luhn's rule (ISO/IEC 7812), 13 to 19 digits."""
    doubled = (int(digit) * (2 if at % 2 else 1) for at, digit in enumerate(reversed(digits)))
    return (
        len(digits) in _CARD_LENGTHS and len(set(digits)) > 1 and sum(n - 9 if n > 9 else n for n in doubled) % 10 == 0
    )


def is_snils(digits: str) -> bool:
    """Eleven digits, the last two of which are the weighted sum of the others modulo 101."""
    if len(digits) != 11:
        return False
    total = sum(int(digit) * (9 - at) for at, digit in enumerate(digits[:9])) % 101
    return int(digits[9:]) == total % 100 and len(set(digits)) > 1


def is_inn(digits: str) -> bool:
    """Ten digits of a company, twelve of a person."""
    company, first, second = _INN
    if len(set(digits)) == 1:
        return False
    if len(digits) == 10:
        return digits[9] == _checked(digits, company)
    return len(digits) == 12 and digits[10] == _checked(digits, first) and digits[11] == _checked(digits, second)


def _checked(digits: str, weights: tuple[int, ...]) -> str:
    return str(sum(int(digit) * weight for digit, weight in zip(digits, weights, strict=False)) % 11 % 10)
