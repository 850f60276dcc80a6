"""The vendor's side of the sign-in, in Python. Needs PyJWT. docs/sign-in.md describes the format."""

import time
from urllib.parse import urlencode

import jwt


def read_state(state: str, key: str, sign_in_url: str) -> dict[str, str]:
    """Return the verified claims of a state. Show its `store_url` to the merchant.

    key: the secret of the output SignInSecretArn. sign_in_url: the parameter SignInUrl, as it was given.
    Raises jwt.InvalidTokenError: then show an error and send the browser nowhere.
    """
    claims: dict[str, str] = jwt.decode(
        state,
        key,
        algorithms=["HS256"],
        audience=sign_in_url,
        options={"require": ["iss", "aud", "sub", "iat", "exp", "jti"]},
    )
    return claims


def return_url(state: str, key: str, sign_in_url: str, tenant: str) -> str:
    """Return where to send the browser (303) after the merchant has agreed. The connection then belongs to `tenant`."""
    claims = read_state(state, key, sign_in_url)
    now = int(time.time())
    answer = {
        "iss": sign_in_url,
        "aud": claims["iss"],
        "sub": tenant,
        "jti": claims["jti"],
        "iat": now,
        "exp": now + 60,
    }
    query = urlencode({"state": state, "answer": jwt.encode(answer, key, "HS256")})
    return f"{claims['return_url']}?{query}"
