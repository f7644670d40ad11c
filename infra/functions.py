"""The Lambda functions: one definition of their defaults, their layers, and how each one differs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from aws_cdk import Duration
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from infra import assets
from infra.stages import Stage
from infra.storage import log_group


@dataclass(frozen=True, slots=True)
class Size:
    """Seconds a call may take, megabytes it may use (Lambda gives processor time in proportion).

    `now_or_never`: nobody waits for it, and what cannot run within a minute, or fails, is dropped.
    """

    timeout_s: int
    memory_mb: int = 512
    reads_documents: bool = False
    now_or_never: bool = False


# Model steps: a wait of at most 5 s, then one call of at most 240 s (the longest time-out that rota.yaml allows).
MODEL_STEP = Size(timeout_s=300)

SIZES: Mapping[str, Size] = {
    "plan_search": MODEL_STEP,
    # The longest that Lambda allows, and the memory that comes with a whole processor.
    "gather_documents": Size(timeout_s=900, memory_mb=1769, reads_documents=True),
    # Ten thousand documents of some pages are read, cut, written and looked for among what is written already.
    "plan_job": Size(timeout_s=900, memory_mb=1769),
    "summarize_batch": MODEL_STEP,
    "synthesize_summaries": MODEL_STEP,
    "write_answer": MODEL_STEP,
    "finish_job": Size(timeout_s=120),
    "serve_api": Size(timeout_s=29),  # an HTTP API gives up after 30 s
    "authorize_request": Size(timeout_s=10),  # the longest an authorizer may take
    "accept_uploads": Size(timeout_s=10),
    "close_inbox": Size(timeout_s=120),
    "refresh_pool": Size(timeout_s=300),
    "shadow_call": Size(timeout_s=MODEL_STEP.timeout_s, now_or_never=True),
    "watch_health": Size(timeout_s=30),
}
"""Every function, by the name of its folder."""


POWERTOOLS = {
    "POWERTOOLS_SERVICE_NAME": "rota",
    "POWERTOOLS_METRICS_NAMESPACE": "Rota",
    "POWERTOOLS_LOG_LEVEL": "INFO",  # said plainly, or a LOG_LEVEL of the surroundings decides
}


class Functions(Construct):
    """All functions, by name: `functions["plan_job"]`."""

    def __init__(self, scope: Construct, construct_id: str, *, stage: Stage, target: str, catalog_json: str) -> None:
        super().__init__(scope, construct_id)
        self._stage = stage
        built_for, pinned = assets.TARGETS[target], assets.ROOT / "requirements"
        self._code = lambda_.Code.from_asset(str(assets.functions_folder(built_for)))
        self._layers = [
            self._layer("Library", assets.library_layer(catalog_json, built_for)),
            self._layer("Dependencies", assets.third_party_layer(pinned / "runtime.txt", built_for)),
        ]
        self._documents_layer = self._layer("Documents", assets.third_party_layer(pinned / "documents.txt", built_for))
        self.by_name = {name: self._function(name, size) for name, size in SIZES.items()}

    def __getitem__(self, name: str) -> lambda_.Function:
        return self.by_name[name]

    def _layer(self, name: str, folder: Path) -> lambda_.LayerVersion:
        return lambda_.LayerVersion(
            self,
            name,
            code=lambda_.Code.from_asset(str(folder)),
            compatible_runtimes=[lambda_.Runtime.PYTHON_3_13],
            compatible_architectures=[lambda_.Architecture.ARM_64],
        )

    def _function(self, name: str, size: Size) -> lambda_.Function:
        title = camel_case(name)
        group = log_group(self, f"{title}Log", f"{log_prefix(self._stage)}{name}", self._stage)
        # Not CDK's own role: that one carries a managed policy which may write every log group of the account.
        role = iam.Role(self, f"{title}Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
        group.grant_write(role)
        return lambda_.Function(
            self,
            title,
            function_name=f"rota-{self._stage.name}-{name}",
            runtime=lambda_.Runtime.PYTHON_3_13,
            architecture=lambda_.Architecture.ARM_64,
            code=self._code,
            handler=f"functions.{name}.handler.handle",
            layers=[*self._layers, self._documents_layer] if size.reads_documents else self._layers,
            timeout=Duration.seconds(size.timeout_s),
            memory_size=size.memory_mb,
            retry_attempts=0 if size.now_or_never else None,
            max_event_age=Duration.minutes(1) if size.now_or_never else None,
            tracing=lambda_.Tracing.ACTIVE,
            role=role,
            log_group=group,
            logging_format=lambda_.LoggingFormat.JSON,
            environment=POWERTOOLS,
        )


def camel_case(name: str) -> str:
    """`plan_job` → `PlanJob`: a folder's name as a construct's and a state's."""
    return "".join(word.capitalize() for word in name.split("_"))


def snake_case(name: str) -> str:
    """`PlanJob` → `plan_job`: the inverse."""
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name).lstrip("_")


def log_prefix(stage: Stage) -> str:
    """What the names of all functions' log groups begin with; the rest is the function's name."""
    return f"/rota/{stage.name}/"
