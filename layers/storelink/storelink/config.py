"""The environment that template.yaml gives a function, read once."""

import os
from dataclasses import dataclass
from functools import cache


@dataclass(frozen=True)
class Config:
    """What this deployment is told.

    allowed_ports: where a store may be called. app_name and app_logo: as the merchant's page shows the app.
    sign_in_url: the vendor's own login, "" for none. oidc_…: its OpenID provider, "" for none; the claim that names the
    tenant.
    """

    allowed_ports: frozenset[int]
    allow_private_stores: bool
    app_name: str
    app_logo: str
    sign_in_url: str
    oidc_issuer: str
    oidc_client_id: str
    oidc_client_secret_arn: str
    oidc_tenant_claim: str

    @property
    def login(self) -> str:
        """Where merchants sign in, of whichever kind it is; "" for nowhere."""
        return self.sign_in_url or self.oidc_issuer


@cache
def config() -> Config:
    """The deployment's parameters; the careful or plain ones where the environment is silent."""
    return Config(
        allowed_ports=frozenset(map(int, os.environ.get("STORELINK_ALLOWED_PORTS", "443").split(","))),
        allow_private_stores=os.environ.get("STORELINK_ALLOW_PRIVATE_STORES", "false") == "true",
        app_name=os.environ.get("STORELINK_APP_NAME", "Storelink"),
        app_logo=os.environ.get("STORELINK_APP_LOGO", ""),
        sign_in_url=os.environ.get("STORELINK_SIGN_IN_URL", ""),
        oidc_issuer=os.environ.get("STORELINK_OIDC_ISSUER", ""),
        oidc_client_id=os.environ.get("STORELINK_OIDC_CLIENT_ID", ""),
        oidc_client_secret_arn=os.environ.get("STORELINK_OIDC_CLIENT_SECRET_ARN", ""),
        oidc_tenant_claim=os.environ.get("STORELINK_OIDC_TENANT_CLAIM", "sub"),
    )


def required(name: str) -> str:
    """A variable that must be there. Raises KeyError naming it."""
    try:
        return os.environ[name]
    except KeyError:
        raise KeyError(f"the environment variable {name} is not set; template.yaml sets it for each function") from None
