"""Puts a synthesised assembly's files where its template expects them: the emulator's asset bucket."""

from __future__ import annotations

import io
import json
import zipfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from local.aws import ACCOUNT, REGION

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@dataclass(frozen=True, slots=True)
class Template:
    """One stack of an assembly: its name, its template, and where CloudFormation can fetch that."""

    stack: str
    body: dict[str, Any]
    url: str


def publish(assembly: Path, s3: S3Client) -> Template:
    """Upload every asset that is not there yet and return the assembly's stack (the local target has one)."""
    manifest = json.loads((assembly / "manifest.json").read_text())
    [(name, stack)] = [
        (artifact_id, artifact["properties"])
        for artifact_id, artifact in manifest["artifacts"].items()
        if artifact["type"] == "aws:cloudformation:stack"
    ]
    assets = json.loads((assembly / f"{name}.assets.json").read_text())["files"]
    places = {key: _place(asset) for key, asset in assets.items()}
    for bucket in {bucket for bucket, _ in places.values()}:
        s3.create_bucket(Bucket=bucket)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda key: _upload(s3, assembly, assets[key]["source"], places[key]), assets))
    template_file = stack["templateFile"]
    [(bucket, key)] = [places[k] for k, asset in assets.items() if asset["source"]["path"] == template_file]
    return Template(
        stack=stack.get("stackName", name),
        body=json.loads((assembly / template_file).read_text()),
        url=f"https://s3.{REGION}.amazonaws.com/{bucket}/{key}",
    )


def _place(asset: dict[str, Any]) -> tuple[str, str]:
    """Bucket and key, with CloudFormation's pseudo parameters filled in."""
    [destination] = asset["destinations"].values()

    def filled(text: str) -> str:
        values = {"AWS::AccountId": ACCOUNT, "AWS::Region": REGION, "AWS::Partition": "aws"}
        for name, value in values.items():
            text = text.replace(f"${{{name}}}", value)
        return text

    return filled(destination["bucketName"]), filled(destination["objectKey"])


def _upload(s3: S3Client, assembly: Path, source: dict[str, str], place: tuple[str, str]) -> None:
    bucket, key = place
    if _exists(s3, bucket, key):  # keys are hashes of the content
        return
    path = assembly / source["path"]
    body = _archive(path) if source["packaging"] == "zip" else path.read_bytes()
    s3.put_object(Bucket=bucket, Key=key, Body=body)


def _exists(s3: S3Client, bucket: str, key: str) -> bool:
    try:
        s3.head_object(Bucket=bucket, Key=key)
    except ClientError:
        return False
    return True


def _archive(folder: Path) -> bytes:
    """The folder as a zip, uncompressed: it travels over loopback, and packing would take longer."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED, strict_timestamps=False) as archive:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                archive.write(path, path.relative_to(folder))
    return buffer.getvalue()
