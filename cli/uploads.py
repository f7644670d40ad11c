"""Sends files to the documents bucket through one presigned upload, several at a time."""

from __future__ import annotations

import mimetypes
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import urllib3

from cli.api import Api, pool_for
from cli.errors import CliError
from cli.figures import amount
from cli.files import Found

AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class Upload:
    """What was sent: its id for the job's sources, and the files left out with the reason of each."""

    upload_id: str
    sent: int
    skipped: Sequence[str]


def upload(api: Api, files: Sequence[Found]) -> Upload:
    """Send every file that is not too large. Raises CliError when one cannot be sent, or all are too large."""
    ticket = api.post("uploads", {})
    limit = int(ticket["max_bytes"])
    fitting = [file for file in files if file.path.stat().st_size <= limit]
    skipped = [
        f"{file.name} is larger than {amount(limit)} bytes, the most that one file may have"
        for file in files
        if file not in fitting
    ]
    if not fitting:
        raise CliError(f"Nothing was sent: {'; '.join(skipped)}.")
    pool = pool_for(ticket["url"])
    with ThreadPoolExecutor(AT_ONCE) as threads:
        list(threads.map(lambda file: _send(pool, ticket, file), fitting))
    return Upload(ticket["upload_id"], len(fitting), skipped)


def _send(pool: urllib3.PoolManager, ticket: Mapping[str, Any], file: Found) -> None:
    """One form post. The key is completed here: S3 itself would fill in the bare file name, without its folders."""
    media_type = mimetypes.guess_type(file.name)[0] or "text/plain"
    fields = dict(ticket["fields"])
    fields["key"] = fields["key"].replace("${filename}", file.name)
    form = [*fields.items(), ("file", (file.path.name, file.path.read_bytes(), media_type))]
    try:
        reply = pool.request("POST", ticket["url"], fields=form, retries=urllib3.Retry(3, allowed_methods=None))
    except urllib3.exceptions.HTTPError as error:
        raise CliError(f"{file.name} could not be sent: the connection to {ticket['url']} failed.") from error
    if reply.status >= 300:
        raise CliError(f"{file.name} could not be sent: the storage answered {reply.status}.")
