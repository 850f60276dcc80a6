"""Credentials whose key was changed are encrypted with the stack's key."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from storelink import aws
from storelink.errors import Unavailable
from tests.world import World, in_both_stores, sample


def new_key(world: World, monkeypatch: pytest.MonkeyPatch) -> str:
    """Deploy with another key."""
    arn: str = world.aws.client("kms").create_key()["KeyMetadata"]["Arn"]
    monkeypatch.setenv("STORELINK_KMS_KEY", arn)
    return arn


def migrate(world: World, **options: Any) -> dict[str, Any]:
    """Run the function over the store's shard, to its end."""
    event = sample("migrate_credentials.json") | {"shards": world.connection()["shard"]} | options
    answer = world.call("MigrateCredentialsFunction", event)
    assert answer["done"], answer
    return answer


@in_both_stores
def test_credentials_under_a_former_key_are_read_and_reencrypted_once(
    world: World, credential_store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.connect()
    before = world.connection()
    key = new_key(world, monkeypatch)
    assert world.credentials_work()
    assert migrate(world)["reencrypted"] == 0
    assert migrate(world, reencrypt=True)["reencrypted"] >= 1
    assert world.connection()["kms_key"] == key
    if credential_store == "secretsmanager":
        assert world.secret()["KmsKeyId"] == key
    else:
        encrypted = world.connection()["encrypted_credentials"]
        assert encrypted != before["encrypted_credentials"]
        context = {"purpose": "connection", "connection_id": world.store.connection_id}
        opened = world.aws.client("kms").decrypt(CiphertextBlob=encrypted, EncryptionContext=context)
        assert opened["KeyId"] == key
    assert world.credentials_work()
    assert migrate(world, reencrypt=True)["reencrypted"] == 0


@in_both_stores
def test_an_activation_under_way_ends_under_the_key_it_began_with(
    world: World, credential_store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    activation_id = world.click()
    new_key(world, monkeypatch)
    assert world.run(activation_id)["state"] == "connected"
    assert world.credentials_work()


@pytest.mark.parametrize(
    ("service", "code"),
    [
        ("Secrets Manager", "AccessDeniedException"),
        ("Secrets Manager", "EncryptionFailure"),
        ("KMS", "DisabledException"),
        ("KMS", "KMSInvalidStateException"),
    ],
)
def test_a_key_that_refuses_says_what_an_operator_can_do(service: str, code: str) -> None:
    refused = ClientError({"Error": {"Code": code, "Message": "Access to KMS is not allowed"}}, "PutSecretValue")
    with pytest.raises(Unavailable) as raised, aws.errors(service):
        raise refused
    assert "FormerKmsKeyArns" in raised.value.problem
    assert "docs/operations.md, Keys" in raised.value.problem
