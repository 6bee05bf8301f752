"""The one place where a client of S3 is made: for tasks, for the command line and for backups alike.

It reads an Airflow connection of type `aws` as Amazon's provider documents it; what it does not do is refused.
"""

from collections.abc import Mapping
from typing import Any

import boto3
from botocore.config import Config
from botocore.credentials import AssumeRoleCredentialFetcher, DeferredRefreshableCredentials
from botocore.session import get_session

from include.common.errors import NotConfigured

# Since 2025 boto adds checksums of its own to each request. Servers other than Amazon's may refuse them.
_ONLY_REQUIRED_CHECKSUMS = {
    "request_checksum_calculation": "when_required",
    "response_checksum_validation": "when_required",
}
_ROLE = "assume_role"


def s3_client(login: str | None, password: str | None, extra: Mapping[str, Any]) -> Any:
    """A boto3 client for S3. `login` and `password` are the keys, empty where the machine has a role.

    `extra`: endpoint_url, region_name, aws_session_token, profile_name, role_arn with assume_role_kwargs, config_kwargs
    (of botocore's Config), verify (a file of certificate authorities). Raises NotConfigured for a way to a role that is
    not `assume_role`; a role of the pod or the machine needs no setting.
    """
    session = boto3.Session(
        aws_access_key_id=login or None,
        aws_secret_access_key=password or None,
        aws_session_token=extra.get("aws_session_token") or None,
        region_name=extra.get("region_name") or None,
        profile_name=extra.get("profile_name") or None,
    )
    if extra.get("role_arn"):
        session = _in_role(session, extra)
    endpoint = extra.get("endpoint_url") or None
    config = (_ONLY_REQUIRED_CHECKSUMS if endpoint else {}) | dict(extra.get("config_kwargs") or {})
    return session.client("s3", endpoint_url=endpoint, config=Config(**config), verify=extra.get("verify"))


def _in_role(session: boto3.Session, extra: Mapping[str, Any]) -> boto3.Session:
    """Credentials of the role, asked for at the first request and again before they expire."""
    method = extra.get("assume_role_method") or _ROLE
    if method != _ROLE:
        raise NotConfigured(
            f"the connection of the storage takes its role by {method}: only {_ROLE} is supported",
            problem="s3_role_method",
            method=method,
        )
    inner = get_session()
    fetcher = AssumeRoleCredentialFetcher(
        client_creator=session._session.create_client,
        source_credentials=session.get_credentials(),
        role_arn=extra["role_arn"],
        extra_args={"RoleSessionName": "call-export", **(extra.get("assume_role_kwargs") or {})},
    )
    inner._credentials = DeferredRefreshableCredentials(method="assume-role", refresh_using=fetcher.fetch_credentials)
    return boto3.Session(botocore_session=inner, region_name=extra.get("region_name") or None)
