"""One dashboard: is the quota used, is anything refused, what does it cost, do jobs end."""

from __future__ import annotations

from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from infra.intake import Intake
from infra.metrics import HOUR, MINUTE, of_model, of_rota
from infra.stages import Stage
from rota.catalog import Catalog, Model

ROW = 24
"""Columns of a CloudWatch dashboard."""


class Dashboard(Construct):
    """Rows: jobs, changes of the pool; every model against its quota; refusals, waits, fallbacks; latency; money."""

    def __init__(self, scope: Construct, construct_id: str, *, stage: Stage, catalog: Catalog, intake: Intake) -> None:
        super().__init__(scope, construct_id)
        models = [model.id for model in catalog.models]
        cloudwatch.Dashboard(
            self,
            "Board",
            dashboard_name=f"rota-{stage.name}",
            widgets=[
                [job_funnel(), dead_letters(intake), pool_changes()],
                [quota_use(model) for model in catalog.models],
                [
                    of_each_model("Refusals per minute", "Refusals", models),
                    of_each_model("Waits, ms per minute", "WaitMs", models),
                    fallback_share(models),
                ],
                [of_each_model(f"Latency {p}, ms", "LatencyMs", models, p) for p in ("p50", "p95", "p99")],
                [cost_per_hour(models), of_each_model("Failures per minute", "Failures", models, width=ROW // 2)],
            ],
        )


def quota_use(model: Model) -> cloudwatch.GraphWidget:
    """Tokens per minute, booked and used, with the model's quotas per minute as lines."""
    quotas = [
        cloudwatch.HorizontalAnnotation(value=limit.amount, label=f"{limit.kind} quota")
        for limit in model.limits
        if limit.kind in ("tpm", "itpm", "otpm")
    ]
    tokens = [of_model(name, model.id).with_(label=name) for name in ("BookedTokens", "UsedTokens", "OutputTokens")]
    return cloudwatch.GraphWidget(
        title=f"{model.id}: tokens per minute", width=ROW // 3, left=tokens, left_annotations=quotas
    )


def of_each_model(
    title: str, metric: str, models: list[str], statistic: str = "Sum", width: int = ROW // 3
) -> cloudwatch.GraphWidget:
    """One metric, a line for each model."""
    lines = [of_model(metric, model, statistic).with_(label=model) for model in models]
    return cloudwatch.GraphWidget(title=title, width=width, left=lines)


def fallback_share(models: list[str]) -> cloudwatch.GraphWidget:
    """Percent of a model's calls that stood in for another model."""
    shares = [
        cloudwatch.MathExpression(
            expression=f"100 * fallbacks{at} / calls{at}",
            using_metrics={f"fallbacks{at}": of_model("Fallbacks", model), f"calls{at}": of_model("Calls", model)},
            label=model,
            period=MINUTE,
        )
        for at, model in enumerate(models)
    ]
    return cloudwatch.GraphWidget(title="Fallbacks, % of calls", width=ROW // 3, left=shares)


def cost_per_hour(models: list[str]) -> cloudwatch.GraphWidget:
    """US dollars per hour, the models on top of each other."""
    costs = [of_model("CostUsd", model, period=HOUR).with_(label=model) for model in models]
    return cloudwatch.GraphWidget(title="Cost, USD per hour", width=ROW // 2, left=costs, stacked=True)


def job_funnel() -> cloudwatch.GraphWidget:
    """Jobs started, finished and failed."""
    jobs = [of_rota(name, HOUR).with_(label=name) for name in ("JobsStarted", "JobsFinished", "JobsFailed")]
    return cloudwatch.GraphWidget(title="Jobs per hour", width=ROW // 3, left=jobs)


def dead_letters(intake: Intake) -> cloudwatch.GraphWidget:
    """Upload events that wait, and those given up."""
    waiting = intake.queue.metric_approximate_number_of_messages_visible(label="waiting")
    dead = intake.dead_letters.metric_approximate_number_of_messages_visible(label="dead letters")
    return cloudwatch.GraphWidget(title="Upload events", width=ROW // 3, left=[waiting, dead])


def pool_changes() -> cloudwatch.GraphWidget:
    """Models that left their pools because they failed or were slow, and those that came back."""
    changes = [of_rota(name, HOUR).with_(label=name) for name in ("ModelLeftPool", "ModelCameBack")]
    return cloudwatch.GraphWidget(title="Models leaving pools per hour", width=ROW // 3, left=changes)
