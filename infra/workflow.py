"""The job's state machine, as drawn in the design: states carry ids and S3 keys, never a document's text.

Handlers answer `{"status": "done" | "wait" | "again" | "reduce" | "failed", …}` and Choice states read that word;
what a handler raises is an infrastructure fault, retried here and nowhere else.
"""

from __future__ import annotations

from aws_cdk import Duration
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_stepfunctions as sfn
from aws_cdk import aws_stepfunctions_tasks as tasks
from constructs import Construct

from infra.functions import Functions, snake_case
from infra.stages import Stage
from infra.storage import log_group

INFRASTRUCTURE_FAULTS = [
    "Lambda.ServiceException",
    "Lambda.AWSLambdaException",
    "Lambda.SdkClientException",
    "Lambda.TooManyRequestsException",
    "States.TaskFailed",
    "States.Timeout",
]


def status_is(word: str) -> sfn.Condition:
    """True when the Lambda before answered with this status (a word of `rota.errors.Status`)."""
    return sfn.Condition.string_equals("$.status", word)


class Step:
    """One Lambda and the Choice on its answer; with `wait`, also the Wait state that leads back to the Lambda.

    The Lambda gets the whole state as its event, and what it returns is the whole next state.
    """

    def __init__(self, scope: Construct, name: str, function: lambda_.IFunction, *, wait: str | None = None) -> None:
        self.task = invoke(scope, name, function)
        self.answer = sfn.Choice(scope, f"{name}Status")
        self.task.next(self.answer)
        if wait:
            pause = sfn.Wait(scope, wait, time=sfn.WaitTime.timestamp_path("$.until"))
            self.answer.when(status_is("wait"), pause)
            pause.next(self.task)

    def when(self, condition: sfn.Condition, following: sfn.IChainable) -> Step:
        """Go to `following` if the answer meets the condition; conditions are tried in the order they were added."""
        self.answer.when(condition, following)
        return self

    def otherwise(self, ending: sfn.IChainable) -> Step:
        """Go to `ending` after any other answer, and when the Lambda broke for good (`$.failure` says how)."""
        self.answer.otherwise(ending)
        self.task.add_catch(ending, errors=["States.ALL"], result_path="$.failure")
        return self


def invoke(scope: Construct, name: str, function: lambda_.IFunction) -> tasks.LambdaInvoke:
    """Call a function with the whole state, for the whole next state; retry faults of the infrastructure."""
    task = tasks.LambdaInvoke(
        scope, name, lambda_function=function, output_path="$.Payload", retry_on_service_exceptions=False
    )
    task.add_retry(
        errors=INFRASTRUCTURE_FAULTS,
        interval=Duration.seconds(2),
        max_attempts=4,
        backoff_rate=2,
        max_delay=Duration.seconds(30),
        jitter_strategy=sfn.JitterType.FULL,
    )
    return task


class Manifest(sfn.S3JsonLItemReader):
    """Lines of JSON in the documents bucket, of which the machine may read jobs' files only (CDK's: every object)."""

    def __init__(self, documents: s3.IBucket, *, key: str) -> None:
        super().__init__(bucket=documents, key=key)
        self._documents = documents

    def provide_policy_statements(self) -> list[iam.PolicyStatement]:
        """What the machine's role needs."""
        return [iam.PolicyStatement(actions=["s3:GetObject"], resources=[self._documents.arn_for_objects("jobs/*")])]


class Workflow(Construct):
    """The machine that does a job; its input is `{"job_id": …, "search": false}`."""

    def __init__(
        self, scope: Construct, construct_id: str, *, stage: Stage, functions: Functions, documents: s3.IBucket
    ) -> None:
        super().__init__(scope, construct_id)
        self._stage = stage
        self._functions = functions
        self._documents = documents
        self.machine = state_machine(self, "workflow", self._definition(), stage)
        self._finish_what_breaks()

    def _definition(self) -> sfn.IChainable:
        """Built from its end to its beginning, so that every state can name the one after it."""
        finish = invoke(self, "FinishJob", self._functions["finish_job"])
        answer = self._step("WriteAnswer", wait="WaitForAnswer").otherwise(finish)
        synthesize = self._synthesis(answer, finish)
        batches = self._fan_out("SummarizeBatches", "SummarizeBatch", "summarize_batch", wait="WaitForSlot")
        batches.add_catch(finish, errors=["States.ALL"], result_path="$.failure")
        batches.next(synthesize.task)
        plan = (
            self._step("PlanJob", wait="WaitForPlan")
            .when(sfn.Condition.and_(status_is("done"), sfn.Condition.boolean_equals("$.dry_run", False)), batches)
            .otherwise(finish)
        )
        gather = self._step("GatherDocuments")
        gather.when(status_is("done"), plan.task).when(status_is("again"), gather.task).otherwise(finish)
        search = self._step("PlanSearch", wait="WaitForSearchPlan").when(status_is("done"), gather.task)
        searches = sfn.Condition.and_(
            sfn.Condition.is_present("$.search"), sfn.Condition.boolean_equals("$.search", True)
        )
        first = sfn.Choice(self, "SearchesFirst").when(searches, search.otherwise(finish).task)
        return first.otherwise(gather.task)

    def _finish_what_breaks(self) -> None:
        """An execution that timed out, was aborted or failed has not finished its job: FinishJob hears of it too."""
        events.Rule(
            self,
            "Broken",
            event_pattern=events.EventPattern(
                source=["aws.states"],
                detail_type=["Step Functions Execution Status Change"],
                detail={
                    "stateMachineArn": [self.machine.state_machine_arn],
                    "status": ["FAILED", "TIMED_OUT", "ABORTED"],
                },
            ),
            targets=[targets.LambdaFunction(self._functions["finish_job"])],
        )

    def _synthesis(self, answer: Step, finish: tasks.LambdaInvoke) -> Step:
        """The tree: while the planner of a level answers "reduce", its groups are reduced and it is asked again."""
        groups = self._fan_out("SynthesizeGroups", "SynthesizeGroup", "synthesize_summaries", wait="WaitForGroup")
        groups.add_catch(finish, errors=["States.ALL"], result_path="$.failure")
        synthesize = (
            self._step("SynthesizeSummaries")
            .when(status_is("reduce"), groups)
            .when(status_is("done"), answer.task)
            .otherwise(finish)
        )
        groups.next(synthesize.task)
        return synthesize

    def _step(self, name: str, wait: str | None = None) -> Step:
        return Step(self, name, self._functions[snake_case(name)], wait=wait)

    def _fan_out(self, name: str, child: str, function: str, *, wait: str) -> sfn.DistributedMap:
        """A distributed Map over the manifest that the state names: each line of it runs one step to its end.

        Children catch everything and end well, because a Map judges failures only by a static share; the handlers
        judge the share that a job tolerates. Standard children: a waiting one costs nothing and may wait for long.
        """
        ended = sfn.Pass(self, f"{child}Ended", result=sfn.Result.from_object({}))
        step = Step(self, child, self._functions[function], wait=wait).otherwise(ended)
        items = Manifest(self._documents, key=sfn.JsonPath.string_at("$.manifest_key"))
        fan = sfn.DistributedMap(
            self,
            name,
            label=name,
            item_reader=items,
            max_concurrency=self._stage.map_concurrency,
            tolerated_failure_percentage=100,
            map_execution_type=sfn.StateMachineType.STANDARD,
            result_path=sfn.JsonPath.DISCARD,
        )
        fan.item_processor(step.task, mode=sfn.ProcessorMode.DISTRIBUTED, execution_type=sfn.ProcessorType.STANDARD)
        return fan


def state_machine(scope: Construct, name: str, start: sfn.IChainable, stage: Stage) -> sfn.StateMachine:
    """A Standard machine, traced, whose log holds every transition and no data.

    The log group's name begins as AWS advises: others count against the size of the account's log policy.
    """
    return sfn.StateMachine(
        scope,
        "Machine",
        definition_body=sfn.DefinitionBody.from_chainable(start),
        tracing_enabled=True,
        logs=sfn.LogOptions(
            destination=log_group(scope, "Log", f"/aws/vendedlogs/states/rota-{stage.name}-{name}", stage),
            level=sfn.LogLevel.ALL,
            include_execution_data=False,
        ),
    )
