"""Files dropped into S3 on the deployed stack: one job per burst, its answer beside them."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

from deployed_stack import DeployedStack


def inbox_jobs(stack: DeployedStack, name: str) -> list[str]:
    """Ids of the jobs that an inbox has started."""
    pages = stack.dynamodb.get_paginator("scan").paginate(
        TableName=stack.outputs["JobsTable"],
        FilterExpression="origin = :origin",
        ExpressionAttributeValues={":origin": {"S": f"inbox:{name}"}},
    )
    return [item["job_id"]["S"] for page in pages for item in page["Items"]]


def drop(stack: DeployedStack, name: str, files: dict[str, str | bytes]) -> None:
    """Put files into an inbox, several at once, as a push or a sync does."""
    with ThreadPoolExecutor(8) as senders:
        list(senders.map(lambda file: stack.put_objects({f"inbox/{name}/{file[0]}": file[1]}), files.items()))


def test_fifty_files_make_one_job_and_one_answer(stack: DeployedStack) -> None:
    """Fifty files and a question make one job; what cannot be read is listed; a repeated event starts nothing."""
    files: dict[str, str | bytes] = {
        f"part {n:02d}.md": f"# Part {n}\n\nMachine {n} was repaired in week {n}. It cost {n} euros." for n in range(49)
    }
    files["question.txt"] = "What did the repair of machine 17 cost?"
    drop(stack, "fifty", {**files, "broken.pdf": b"%PDF-1.7 no"})
    answer = stack.wait_for_object("answers/fifty/answer.md", timeout_s=180)
    assert "machine" in answer.lower()
    (job_id,) = inbox_jobs(stack, "fifty")
    data = json.loads(stack.wait_for_object("answers/fifty/answer.json"))
    assert data["coverage"]["documents"] == 50
    assert data["coverage"]["read"] == 49
    (failed,) = data["coverage"]["failed"]
    assert failed["title"].endswith("broken.pdf")
    assert failed["reason"]
    assert "broken.pdf" in answer
    repeat_an_event(stack, "fifty", "part 07.md")
    drop(stack, "after", {"note.txt": "A note that ends the wait for the repeated event."})
    stack.wait_for_object("answers/after/answer.md")
    assert inbox_jobs(stack, "fifty") == [job_id]


def test_a_later_file_makes_the_next_job(stack: DeployedStack) -> None:
    """Without a question the job summarises; a file that comes later is answered by a job of its own."""
    drop(stack, "later", {"a.txt": "The first pump runs on diesel and is serviced in June."})
    first = stack.wait_for_object("answers/later/answer.md")
    assert "pump" in first
    drop(stack, "later", {"b.txt": "The second pump runs on electricity and needs no service."})
    assert stack.eventually(lambda: len(inbox_jobs(stack, "later")) == 2, timeout_s=60)
    assert stack.eventually(lambda: "second pump" in stack.wait_for_object("answers/later/answer.md"), timeout_s=90)


def repeat_an_event(stack: DeployedStack, inbox: str, file: str) -> None:
    """Deliver an object-created event again, just as S3 made it: S3 promises at least once."""
    bucket, key = stack.outputs["DocumentsBucket"], f"inbox/{inbox}/{file}"
    found = stack.s3.head_object(Bucket=bucket, Key=key)
    record = {
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "eventName": "ObjectCreated:Put",
        "eventTime": found["LastModified"].strftime("%Y-%m-%dT%H:%M:%S.000Z"),
        "s3": {
            "bucket": {"name": bucket},
            "object": {
                "key": key.replace(" ", "+"),
                "size": found["ContentLength"],
                "eTag": found["ETag"].strip('"'),
                "sequencer": "0055AED6DCD90281E5",
            },
        },
    }
    stack.client("sqs").send_message(
        QueueUrl=stack.outputs["InboxQueueUrl"], MessageBody=json.dumps({"Records": [record]})
    )
