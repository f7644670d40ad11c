"""The HTTP API: one route to one function, behind a function that checks the bearer key."""

from __future__ import annotations

import json
from typing import cast

from aws_cdk import Duration
from aws_cdk import aws_apigatewayv2 as apigateway
from aws_cdk import aws_apigatewayv2_authorizers as authorizers
from aws_cdk import aws_apigatewayv2_integrations as integrations
from constructs import Construct

from infra.functions import Functions
from infra.stages import Stage
from infra.storage import log_group

ACCESS_LINE = {
    "request_id": "$context.requestId",
    "ip": "$context.identity.sourceIp",
    "method": "$context.httpMethod",
    "path": "$context.path",
    "status": "$context.status",
    "owner": "$context.authorizer.owner",
    "key_id": "$context.authorizer.key_id",
    "latency_ms": "$context.responseLatency",
    "error": "$context.error.message",
}
"""One access log line; it names the owner and the key's id, never the key."""


class Api(Construct):
    """`http_api`, whose every path below /v1/ reaches `serve_api`, so that an unknown one gets Rota's own 404."""

    def __init__(self, scope: Construct, construct_id: str, *, stage: Stage, functions: Functions) -> None:
        super().__init__(scope, construct_id)
        authorizer = authorizers.HttpLambdaAuthorizer(
            "KeyAuthorizer",
            functions["authorize_request"],
            response_types=[authorizers.HttpLambdaResponseType.SIMPLE],
            identity_source=["$request.header.Authorization"],
            results_cache_ttl=Duration.seconds(stage.key_cache_s),
        )
        self.http_api = apigateway.HttpApi(
            self, "HttpApi", api_name=f"rota-{stage.name}", create_default_stage=False, default_authorizer=authorizer
        )
        self.http_api.add_routes(
            path="/v1/{proxy+}",
            methods=[apigateway.HttpMethod.ANY],
            integration=integrations.HttpLambdaIntegration("ServeApi", functions["serve_api"]),
        )
        self._add_stage(stage)

    def _add_stage(self, stage: Stage) -> None:
        default = apigateway.HttpStage(
            self,
            "Stage",
            http_api=self.http_api,
            auto_deploy=True,
            throttle=apigateway.ThrottleSettings(rate_limit=stage.api_rate, burst_limit=stage.api_burst),
        )
        # CDK's own name for these settings is an interface that Python cannot fill in.
        resource = cast(apigateway.CfnStage, default.node.default_child)
        log = log_group(self, "AccessLog", f"/aws/vendedlogs/rota-{stage.name}-api", stage)
        resource.access_log_settings = apigateway.CfnStage.AccessLogSettingsProperty(
            destination_arn=log.log_group_arn, format=json.dumps(ACCESS_LINE)
        )
