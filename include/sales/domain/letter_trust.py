"""Which letters are believed: those of which Google itself says that a listed domain has signed them (DKIM).

The sender's address and SPF prove nothing about who wrote a letter. Google puts its own `Authentication-Results` above
all that came with the letter, so only the first one counts.
"""

import re
from collections.abc import Sequence
from email.message import Message

_HEADER = "Authentication-Results"
_GOOGLE = "mx.google.com"
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')
_SIGNED_BY = re.compile(r"\bheader\.(?:i=(?:[^\s;@]*@)?|d=)([a-z0-9.-]+)", re.IGNORECASE)


def is_trusted(letter: Message, senders: Sequence[str]) -> bool:
    """Whether a domain of `senders`, or one below it, has signed the letter."""
    results = letter.get_all(_HEADER)
    if not results:
        return False
    authority, _, rest = _plain(str(results[0])).partition(";")
    if authority.split()[:1] != [_GOOGLE]:
        return False
    return any(_is_pass(method) and _signed_by(method, senders) for method in rest.split(";"))


def _is_pass(method: str) -> bool:
    return method.split()[:1] == ["dkim=pass"]


def _signed_by(method: str, senders: Sequence[str]) -> bool:
    domains = [domain.lower().rstrip(".") for domain in _SIGNED_BY.findall(method)]
    return bool(domains) and all(
        any(domain == sender or domain.endswith(f".{sender}") for sender in senders) for domain in domains
    )


def _plain(header: str) -> str:
    """Without comments, which may hold anything, and quoted texts."""
    text, depth, found = _QUOTED.sub("", " ".join(header.split())), 0, []
    for char in text:
        if char == "(":
            depth += 1
        elif char == ")":
            depth = max(0, depth - 1)
        elif depth == 0:
            found.append(char)
    return "".join(found)
