"""Signs the functions' Bedrock calls with this machine's own AWS credentials and passes them on.

    python -m local.bedrock_relay --region us-east-1 --port 8123

The functions run with the emulator's credentials, which Bedrock does not know; through the relay the real ones never
enter the emulator. It listens on loopback only and forwards nothing but Converse.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import boto3
import urllib3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest

CONVERSE = re.compile(r"/model/[A-Za-z0-9._:%/-]+/converse")
PASSED_BACK = ("content-type", "x-amzn-errortype", "x-amzn-requestid", "retry-after")


def main(argv: Sequence[str] | None = None) -> None:
    """Serve until ended."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--region", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--upstream", help="another endpoint than the region's own")
    options = parser.parse_args(argv)
    upstream = options.upstream or f"https://bedrock-runtime.{options.region}.amazonaws.com"
    relay_server(options.port, upstream.rstrip("/"), options.region, boto3.Session()).serve_forever()


def relay_server(port: int, upstream: str, region: str, session: boto3.Session) -> ThreadingHTTPServer:
    """A server on 127.0.0.1 that forwards to `upstream`; credentials are looked up for each call, as they expire."""
    pool = urllib3.PoolManager(retries=False)

    class Relay(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            if not CONVERSE.fullmatch(self.path):
                self._reply(404, {"x-amzn-errortype": "UnknownOperationException"}, b"{}")
                return
            try:
                signed = _signed(upstream + self.path, body, session, region)
                answer = pool.request("POST", upstream + self.path, body=body, headers=signed)
            except urllib3.exceptions.HTTPError as error:
                self._reply(503, {"x-amzn-errortype": "ServiceUnavailableException"}, str(error).encode())
                return
            self._reply(answer.status, {name: answer.headers.get(name) for name in PASSED_BACK}, answer.data)

        def _reply(self, status: int, headers: dict[str, str | None], body: bytes) -> None:
            self.send_response(status)
            for name, value in headers.items():
                if value is not None:
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            """Keep quiet: the functions log every call themselves."""

    return ThreadingHTTPServer(("127.0.0.1", port), Relay)


def _signed(url: str, body: bytes, session: boto3.Session, region: str) -> dict[str, str]:
    credentials = session.get_credentials()
    if credentials is None:
        return {"Content-Type": "application/json"}  # Bedrock's own refusal says it best
    request = AWSRequest("POST", url, data=body, headers={"Content-Type": "application/json"})
    SigV4Auth(credentials, "bedrock", region).add_auth(request)
    return dict(request.headers.items())


if __name__ == "__main__":
    main()
