"""What a wire must be able to say."""

from __future__ import annotations

from typing import Protocol

from local.simulated.faults import Fault
from local.simulated.http_server import Request, Response
from local.simulated.quotas import Refusal
from local.simulated.vendor import Asked, VendorModel
from rota.providers.simulated import SimulatedReply


class Rejected(Exception):  # noqa: N818 - not a failure of ours but an answer
    """The request ends here, with this answer."""

    def __init__(self, response: Response) -> None:
        super().__init__(response.status)
        self.response = response


class Wire(Protocol):
    """One vendor's protocol. `kind` is the provider kind of rota.yaml."""

    kind: str

    def parse(self, request: Request) -> Asked:
        """Read a call. Raises Rejected for one without credentials or without sense."""
        ...

    def unknown_model(self, asked: Asked) -> Response:
        """There is no such model."""
        ...

    def check(self, model: VendorModel, asked: Asked) -> None:
        """Raises Rejected for what this model cannot do: too long a prompt, too much output."""
        ...

    def refused(self, model: VendorModel, refusal: Refusal, /) -> Response:
        """A quota is spent."""
        ...

    def faulty(self, model: VendorModel, fault: Fault, /) -> Response:
        """A fault that spends nothing."""
        ...

    def answered(self, model: VendorModel, reply: SimulatedReply, latency_ms: int, empty: bool, /) -> Response:
        """The model's answer; `empty` leaves out what the caller came for."""
        ...
