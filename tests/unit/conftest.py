"""What many unit tests need: an empty bucket on moto."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

import boto3
import pytest
from moto import mock_aws

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
