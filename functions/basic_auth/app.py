"""PUT and DELETE /stores/basic-auth: sets or removes the password of the web server in front of a store."""

from storelink.api import gateway
from storelink.api.gateway import Event, LambdaContext, Response
from storelink.credentials import basic_auth
from storelink.credentials.basic_auth import BasicAuthRequest
from storelink.observability import logger


@gateway.json_api
def handler(event: Event, context: LambdaContext) -> Response:
    """Set or remove a store's Basic credentials. Whether they are set and a connection has changed; no password."""
    removes = event["requestContext"]["http"]["method"] == "DELETE"
    asked = BasicAuthRequest.from_request(gateway.json_body(event), removes)
    changed = basic_auth.save(asked)
    logger.info("password removed" if removes else "password set", store=asked.store.host, by=gateway.caller(event))
    return {
        "store_url": asked.store.url,
        "connection_id": asked.store.connection_id,
        "is_set": not removes,
        "connection_changed": changed,
    }
