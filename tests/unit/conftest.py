"""What many unit tests need: an empty bucket on moto, and an API for the command line."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

import boto3
import pytest
from loopback_api import LoopbackApi, loopback_api
from moto import mock_aws

from cli import follow
from rota.storage import Bucket


@cache
def s3_client() -> Any:
    """One client for all tests: building it takes most of a test's time, and moto answers it in every test anew."""
    return boto3.client("s3", region_name="us-east-1")


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bucket]:
    """An empty bucket."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    with mock_aws():
        bucket = Bucket(s3_client(), "documents")
        bucket.s3.create_bucket(Bucket=bucket.name)
        yield bucket


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Iterator[LoopbackApi]:
    """The server, which the command line is told to use; polls follow without a pause."""
    with loopback_api() as served:
        monkeypatch.setenv("ROTA_API_URL", served.url)
        monkeypatch.setenv("ROTA_API_KEY", "rota_key")
        monkeypatch.setattr(follow, "LOOK_EVERY_S", 0)
        yield served
