"""moto's DynamoDB, where `local.dynamodb` has it do something in another way."""

import re
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from local.cloud import Cloud, access


@pytest.fixture
def table(aws: Cloud) -> Any:
    """A table of the stack, with values as Python has them. Its key: line."""
    return boto3.resource("dynamodb", **access(aws.url)).Table(aws.outputs["ActivationsTableName"])  # type: ignore[call-overload]


def written(update: str) -> dict[str, Any]:
    """The parameters of an update with such values of these as it names."""
    values = {":one": 1, ":two": 2, ":map": {"n": 1}, ":list": [1, 2]}
    named = {name: values[name] for name in re.findall(r":\w+", update)}
    return {"UpdateExpression": update, "ExpressionAttributeValues": named}


def test_a_transaction_that_is_refused_leaves_every_row_as_it_was(aws: Cloud, table: Any) -> None:
    client = table.meta.client

    def write(line: str, **more: Any) -> dict[str, Any]:
        return {
            "Update": {"TableName": table.name, "Key": {"integration_key": line}, **written("SET a = :two"), **more}
        }

    before = {"integration_key": "known", "a": 1}
    table.put_item(Item=before)
    refused = write("refused", ConditionExpression="attribute_exists(line)")
    for others in ([write("known"), write("unknown")], [write("unknown"), write("known")]):
        with pytest.raises(client.exceptions.TransactionCanceledException):
            client.transact_write_items(TransactItems=[*others, refused])
        assert table.scan()["Items"] == [before]
    client.transact_write_items(TransactItems=[write("known"), write("unknown")])
    assert sorted((row["integration_key"], row["a"]) for row in table.scan()["Items"]) == [("known", 2), ("unknown", 2)]


def test_an_update_does_all_that_its_expression_says(table: Any) -> None:
    def updated(expression: str) -> dict[str, Any]:
        row = table.update_item(Key={"integration_key": "row"}, **written(expression), ReturnValues="ALL_NEW")[
            "Attributes"
        ]
        return {name: value for name, value in row.items() if name != "integration_key"}

    for _ in range(2):  # as new, and once more in the row that is there
        assert updated("SET a = :one, m = :map, l = :list") == {"a": 1, "m": {"n": 1}, "l": [1, 2]}
        assert updated("SET b = if_not_exists(b, :two), a = a + :one, m.n = :two") == {
            "a": 2,
            "b": 2,
            "m": {"n": 2},
            "l": [1, 2],
        }
        assert updated("SET l = list_append(l, :list) REMOVE m.n, b ADD a :two") == {"a": 4, "m": {}, "l": [1, 2, 1, 2]}
        for wrong in (
            "SET a = :one, a = :two",
            "SET a = :one SET b = :two",
            "SET a = a + b, c = :one",
            "SET line = :one",
        ):
            with pytest.raises(ClientError, match="ValidationException"):
                updated(wrong)
