"""A digest of a secret, by which it is noticed that it has changed; what it is cannot be known from it."""

import hashlib
import hmac


def secret_digest(key: str, text: str) -> str:
    """`key` is in no database beside the digest. Without one there is none, as a short secret's hash can be guessed."""
    return hmac.new(key.encode(), text.encode(), hashlib.sha256).hexdigest() if key else ""
