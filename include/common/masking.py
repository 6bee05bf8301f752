"""Hides phone numbers, and keys in addresses, in logs and, on request, in files."""

import re

import phonenumbers
from phonenumbers import Leniency, PhoneNumber, PhoneNumberMatcher

_REGION = "RU"
_HIDDEN = "***"
_SHORT = 6  # fewer digits are an internal extension, not a personal number
_SHORTEST = 7  # characters: `+`, and the six digits of the shortest number of any plan with its country code

# Numbers that the library skips because they touch letters or belong to no numbering plan
_BARE = re.compile(r"(?<![0-9])(?:\+[0-9]{8,15}|[78][0-9]{10})(?![0-9])")

_SECRETS = (
    # a webhook: /rest/<user>/<token>/method
    (re.compile(r"(/rest/)[^/\s\"']+/[^/\s\"'?]+", re.IGNORECASE), rf"\1{_HIDDEN}/{_HIDDEN}"),
    # user and password in an address
    (re.compile(r"([a-z][a-z0-9+.-]*://)[^/\s\"'@]*(?:@[^/\s\"'@]*)*@", re.IGNORECASE), rf"\1{_HIDDEN}@"),
    # keys in a query or a form, also URL-encoded
    (
        re.compile(
            r"((?:(?<![a-z0-9])|(?<=%26)|(?<=%3F))(?:auth|[a-z_]*token|api_?key|sig(?:nature)?|password|x-amz-[a-z-]+)(?:=|%3D))[^&\s\"'#]+",
            re.IGNORECASE,
        ),
        rf"\1{_HIDDEN}",
    ),
    (re.compile(r"(\b(?:bearer|basic) )[a-z0-9._~+/=-]{8,}", re.IGNORECASE), rf"\1{_HIDDEN}"),
    (re.compile(r"\bsk-[A-Za-z0-9_-]{8,}"), f"sk-{_HIDDEN}"),
)


def mask_phones(text: str) -> str:
    """The text with each phone number as `+7 999 *** ** 67`; Russian spellings, and others with their country code.

    Ids, times and amounts stay: a number counts only if a numbering plan knows it, or if it is written as +… or
    as eleven digits that begin with 7 or 8.
    """
    masked = text
    found = list(
        PhoneNumberMatcher(text, _REGION, leniency=Leniency.VALID, max_tries=len(text), min_candidate_length=_SHORTEST)
    )
    for match in reversed(found):
        masked = masked[: match.start] + _masked(match.number) + masked[match.end :]
    return _BARE.sub(lambda bare: mask_number(bare[0]), masked)


def mask_number(number: str) -> str:
    """One number as a field holds it; an extension of a few digits and a text without digits stay as they are."""
    digits = re.sub(r"\D", "", number)
    if len(digits) < _SHORT:
        return number
    try:
        return _masked(phonenumbers.parse(number, _REGION))
    except phonenumbers.NumberParseException:
        return f"{digits[0]}{_HIDDEN}{digits[-2:]}"


def scrub_secrets(text: str) -> str:
    """The text without secrets of addresses: webhook tokens, `auth=` and `token=` values, user:password@, keys."""
    for pattern, replacement in _SECRETS:
        text = pattern.sub(replacement, text)
    return text


def _masked(number: PhoneNumber) -> str:
    national = phonenumbers.national_significant_number(number)  # with its leading zeros
    return f"+{number.country_code} {national[:3]} *** ** {national[-2:]}"
