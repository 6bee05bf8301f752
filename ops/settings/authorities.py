"""CA_BUNDLE: a company's own certificate authority, trusted by every client beside the public ones.

Clients read different variables; all of them get the same file, which holds the public authorities too: a proxy that
opens TLS leaves some hosts alone, and those still have public certificates.
"""

import ssl
from pathlib import Path

import certifi

from include.common.errors import NotConfigured
from ops.settings.env_file import Settings
from ops.settings.profile import Runtime

# requests (the portal, Apprise), OpenSSL's own (the recogniser, Slack, mail), boto, curl and pip
VARIABLES = ("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "AWS_CA_BUNDLE", "CURL_CA_BUNDLE", "PIP_CERT")


def authorities(settings: Settings, runtime: Runtime) -> dict[str, str]:
    """The variables that name the file with all authorities; none without CA_BUNDLE.

    Raises NotConfigured for a file that is missing or holds no certificate.
    """
    if not settings.ca_bundle:
        return {}
    own = _certificates(Path(settings.ca_bundle))
    together = f"{Path(certifi.where()).read_text(encoding='utf-8')}\n{own}"
    file = runtime.home / "ca_bundle.pem"
    if not file.exists() or file.read_text(encoding="utf-8") != together:
        runtime.make()
        temporary = file.with_suffix(".new")
        temporary.write_text(together, encoding="utf-8")
        temporary.replace(file)
    return dict.fromkeys(VARIABLES, str(file))


def _certificates(file: Path) -> str:
    try:
        text = file.read_text(encoding="utf-8")
        ssl.create_default_context(cadata=text or "-")  # refuses a text without a certificate
    except (OSError, UnicodeDecodeError, ssl.SSLError, ValueError) as error:
        raise NotConfigured(
            f"CA_BUNDLE: {file} is no readable file of certificates in PEM ({type(error).__name__})",
            problem="ca_bundle_unusable",
            file=file,
        ) from None
    return text
