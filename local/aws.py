"""Sessions for boto3 that can only reach the emulator on this machine, whatever the shell is configured for."""

from __future__ import annotations

import os

import boto3
from botocore.session import Session as CoreSession

ACCOUNT = "000000000000"
REGION = "us-east-1"

# (configuration name, environment variable, default, conversion): no variable, so the shell's cannot leak in.
_UNCONFIGURED = {
    "profile": (None, None, None, None),
    "config_file": (None, None, os.devnull, None),
    "credentials_file": (None, None, os.devnull, None),
}


def local_session() -> boto3.Session:
    """A session with the emulator's root key; every client of it needs `endpoint_url`."""
    _bypass_proxies()
    return boto3.Session(
        aws_access_key_id="test",
        aws_secret_access_key="test",  # noqa: S106 - the emulator's fixed, public pair
        region_name=REGION,
        botocore_session=CoreSession(session_vars=_UNCONFIGURED),
    )


def _bypass_proxies() -> None:
    """Loopback addresses are never asked of a proxy; botocore reads this from the environment only."""
    for name in ("no_proxy", "NO_PROXY"):
        listed = os.environ.get(name, "")
        if "127.0.0.1" not in listed:
            os.environ[name] = f"{listed},127.0.0.1" if listed else "127.0.0.1"
