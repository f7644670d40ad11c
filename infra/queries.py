"""Logs Insights queries as a table of data, saved by a stack of their own.

They read the lines that every model call (`event = "model_call"`) and every shadow (`event = "shadow_call"`) leaves;
the emulator refuses query definitions, which is why the stack is not deployed on a laptop.
"""

from __future__ import annotations

from dataclasses import dataclass

from aws_cdk import Stack
from aws_cdk import aws_logs as logs
from constructs import Construct

from infra.functions import SIZES, log_prefix
from infra.stages import Stage

CALLERS = (
    *("plan_search", "plan_job", "summarize_batch", "synthesize_summaries", "write_answer"),
    *("serve_api", "shadow_call"),
)
"""The functions that call models."""


@dataclass(frozen=True, slots=True)
class Query:
    """A saved query: its name (a `/` makes a folder) and its text."""

    name: str
    text: str


QUERIES = (
    Query(
        "Models/Distribution",
        """filter event = "model_call"
| stats count(*) as calls, sum(input_tokens) as tokens_in, sum(output_tokens) as tokens_out by model
| sort calls desc""",
    ),
    Query(
        "Models/Tokens per minute",
        """filter event = "model_call"
| stats sum(input_tokens + output_tokens) as tokens, sum(booked_tokens) as booked by bin(1m) as minute, model
| sort minute desc, tokens desc""",
    ),
    Query(
        "Models/Latency",
        """filter event = "model_call" and outcome = "ok"
| stats pct(latency_ms, 50) as p50_ms, pct(latency_ms, 95) as p95_ms, pct(latency_ms, 99) as p99_ms by model
| sort p95_ms desc""",
    ),
    Query(
        "Models/Slowest calls",
        """filter event = "model_call"
| fields @timestamp, job, task, model, latency_ms, wait_ms, input_tokens, output_tokens, outcome
| sort latency_ms desc
| limit 20""",
    ),
    Query(
        "Routing/Fallback frequency",
        """filter event = "model_call"
| stats count(fallback_from) as fallbacks, count(*) as calls by bin(1h) as hour, model
| sort hour desc, fallbacks desc""",
    ),
    Query(
        "Routing/Fallbacks from and to",
        """filter event = "model_call" and ispresent(fallback_from)
| stats count(*) as calls by fallback_from, model
| sort calls desc""",
    ),
    Query(
        "Routing/Errors",
        """filter event = "model_call" and outcome != "ok"
| stats count(*) as calls by outcome, provider, model
| sort calls desc""",
    ),
    Query(
        "Models/Success and cost",
        """filter event = "model_call"
| stats count(*) as calls, 100 * count(answered) / count(*) as ok_percent, avg(cost_usd) as cost_a_call,
  sum(cost_usd) as cost by model
| sort calls desc""",
    ),
    Query(
        "Routing/Decisions",
        """filter event = "model_call" and outcome = "ok"
| stats count(*) as calls, avg(confidence) as confidence, sum(cost_usd) as cost by rule, complexity, tier
| sort calls desc""",
    ),
    Query(
        "Routing/Accuracy",
        """filter event = "model_call" and outcome = "ok" and ispresent(aimed_tier)
| stats 100 - 100 * count(escalated_from) / count(*) as right_percent, count(escalated_from) as escalated,
  count(*) as calls by aimed_tier
| sort aimed_tier""",
    ),
    Query(
        "Routing/Experiments",
        """filter event = "model_call" and ispresent(experiment)
| stats count(*) as calls, 100 * count(answered) / count(*) as ok_percent, avg(latency_ms) as mean_ms,
  avg(cost_usd) as mean_usd by experiment
| sort experiment""",
    ),
    Query(
        "Routing/Shadow comparison",
        """filter event = "shadow_call" and outcome != "skipped"
| stats count(*) as calls, 100 * count(similarity) / count(*) as ok_percent,
  avg(latency_ms) as candidate_ms, avg(primary_latency_ms) as primary_ms,
  avg(cost_usd) as candidate_usd, avg(primary_cost_usd) as primary_usd,
  avg(output_tokens) as candidate_tokens, avg(primary_output_tokens) as primary_tokens,
  avg(similarity) as mean_similarity by candidate, primary, task
| sort calls desc""",
    ),
    Query(
        "Routing/Shadow outcomes",
        """filter event = "shadow_call"
| stats count(*) as shadows by candidate, outcome
| sort shadows desc""",
    ),
    Query(
        "Money/Cost by owner",
        """filter event = "model_call"
| stats sum(cost_usd) as cost, count(*) as calls by user, model
| sort cost desc""",
    ),
    Query(
        "Money/Cost by feature and query type",
        """filter event = "model_call"
| stats sum(cost_usd) as cost, count(*) as calls by feature, query_type
| sort cost desc""",
    ),
)
"""Their language is Logs Insights' own."""


class QueryStack(Stack):
    """The queries, saved under `Rota/<stage>/`, each over the logs of the functions that call models."""

    def __init__(self, scope: Construct, construct_id: str, *, stage: Stage) -> None:
        super().__init__(scope, construct_id)
        groups = [f"{log_prefix(stage)}{name}" for name in SIZES if name in CALLERS]
        for query in QUERIES:
            logs.CfnQueryDefinition(
                self,
                query.name.replace("/", "").replace(" ", ""),
                name=f"Rota/{stage.name}/{query.name}",
                query_string=query.text,
                log_group_names=groups,
            )
