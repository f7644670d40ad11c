"""Presigned uploads: a form that S3 takes straight from the caller, bound to a folder, a size and a time."""

from __future__ import annotations

import secrets
from typing import Any

from rota.storage import Bucket, upload_prefix

MAX_FILE_BYTES = 50_000_000
EXPIRES_S = 900


def new_upload(bucket: Bucket, owner: str) -> dict[str, Any]:
    """An upload id and the form for its files. `${filename}` in the key stands for the file's own name."""
    upload_id = f"u-{secrets.token_hex(8)}"
    prefix = upload_prefix(owner, upload_id)
    form = bucket.s3.generate_presigned_post(
        Bucket=bucket.name,
        Key=f"{prefix}${{filename}}",
        Conditions=[["starts-with", "$key", prefix], ["content-length-range", 1, MAX_FILE_BYTES]],
        ExpiresIn=EXPIRES_S,
    )
    return {"upload_id": upload_id, **form, "max_bytes": MAX_FILE_BYTES, "expires_s": EXPIRES_S}
