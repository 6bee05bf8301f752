"""The one consent of a mailbox's owner, in the browser of the machine where this runs."""

from pathlib import Path

from google_auth_oauthlib.flow import InstalledAppFlow  # type: ignore[import-untyped]

from include.clients.gmail.gmail_access import SCOPES
from include.common.errors import BadInput


def consented(client_file: Path) -> str:
    """The refresh token. `client_file` is the OAuth client of type "desktop" that Google's console gives out.

    Google's answer comes to a free port of loopback; the library checks that it belongs to this question. Raises
    BadInput for a file that is none, and where the answer has no refresh token.
    """
    try:
        flow = InstalledAppFlow.from_client_secrets_file(str(client_file), SCOPES)
    except (OSError, ValueError) as error:
        raise BadInput(
            f"{client_file.name} is no OAuth client of Google", problem="gmail_client_file", name=client_file.name
        ) from error
    # offline and consent: without either Google gives a refresh token the first time only
    made = flow.run_local_server(host="127.0.0.1", port=0, access_type="offline", prompt="consent")
    if not made.refresh_token:
        raise BadInput("Google gave no refresh token", problem="gmail_no_refresh_token")
    return str(made.refresh_token)
