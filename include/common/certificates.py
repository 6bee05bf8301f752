"""Whether a connection failed because of the server's certificate, and what a person does about it.

A company that opens TLS on its way out, or has servers of its own, has an authority that no machine knows by itself.
"""

import ssl
from collections.abc import Iterator
from enum import StrEnum
from urllib.parse import urlsplit

from include.common.errors import ErrorCode, Temporary

# OpenSSL's X509_V_ERR_*
_EXPIRED, _NOT_YET, _OTHER_NAME, _OTHER_ADDRESS = 10, 9, 62, 64
_DEEPEST = 10


class CertificateRefusal(StrEnum):
    UNKNOWN_AUTHORITY = "certificate_unknown_authority"
    DATES = "certificate_dates"
    OTHER_NAME = "certificate_other_name"


_IN_ENGLISH = {
    CertificateRefusal.UNKNOWN_AUTHORITY: (
        "its certificate comes from an authority that is not known here: a server of the company or a proxy that opens "
        "TLS; put the authority's certificate into the file of CA_BUNDLE"
    ),
    CertificateRefusal.DATES: "its certificate has expired or is not valid yet, or this machine's clock is wrong",
    CertificateRefusal.OTHER_NAME: "its certificate is for another name: check the address",
}


def certificate_refusal(error: BaseException) -> CertificateRefusal | None:
    """Looks through the errors that the libraries have wrapped around OpenSSL's; None if it is about something else."""
    for each in _inside(error, 0):
        if isinstance(each, ssl.SSLCertVerificationError):
            if each.verify_code in (_EXPIRED, _NOT_YET):
                return CertificateRefusal.DATES
            if each.verify_code in (_OTHER_NAME, _OTHER_ADDRESS):
                return CertificateRefusal.OTHER_NAME
            return CertificateRefusal.UNKNOWN_AUTHORITY
    return None


def certificate_error(
    reason: CertificateRefusal, server: str, address: str, *, code: ErrorCode | None = None
) -> Temporary:
    """Of `address` the message states the host alone: the rest of a URL may be a secret."""
    host = urlsplit(address).hostname or "-"
    return Temporary(f"{server} at {host}: {_IN_ENGLISH[reason]}", code=code, problem=reason, host=host)


def _inside(error: object, depth: int) -> Iterator[BaseException]:
    if not isinstance(error, BaseException) or depth > _DEEPEST:
        return
    yield error
    wrapped = [error.__cause__, error.__context__, getattr(error, "reason", None), getattr(error, "error", None)]
    for each in (*wrapped, *error.args):
        if each is not error:
            yield from _inside(each, depth + 1)
