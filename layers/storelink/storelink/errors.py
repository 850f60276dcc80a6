"""The one family of errors, split by whose move it is, and the advice a person reads for each reason."""

ADVICE = {
    "reauthorize": (
        "The store gives each token once, and this one is spent. "
        "In Magento open System > Integrations and click Reauthorize."
    ),
    "expired": (
        "Magento allows 300 seconds from Activate to the first step, and they are over. "
        "In Magento open System > Integrations and click Reauthorize."
    ),
    "signature-invalid": (
        "The store computed another signature: either the consumer secret is another one, or the store sees another "
        "address than its base URL (a proxy that ends TLS, www or http instead of https). Make Stores > Configuration "
        "> Web > Base URLs the address the store answers on, then click Reauthorize."
    ),
    "integration-deleted": (
        "The store does not know this integration any more. "
        "Create it again in System > Integrations and click Activate."
    ),
    "consumer-key-length": (
        "The store refused the consumer key for its length. Delete the integration in System > Integrations, "
        "create it again and click Activate."
    ),
    "verifier-mismatch": (
        "The store expected another verifier, so a newer activation has replaced this one. "
        "In Magento open System > Integrations and click Reauthorize."
    ),
    "signature-method": (
        "The store accepts neither HMAC-SHA256 nor HMAC-SHA1. "
        "Update Magento to a supported release and click Reauthorize."
    ),
    "header-lost": (
        "The Authorization header did not reach Magento: a proxy or the web server drops it. Let it through "
        "(Apache: CGIPassAuth On; nginx: fastcgi_param HTTP_AUTHORIZATION $http_authorization), then click Reauthorize."
    ),
    "redirected": (
        "The store answered with a redirect, and a signed request must not follow one. "
        "Make Stores > Configuration > Web > Base URLs the address the store really answers on, then click Reauthorize."
    ),
    "refused": (
        "The store refused in words that are not known; they stand beside this. Then click Reauthorize in Magento."
    ),
    "superseded": "A newer activation of this store was connected first. Nothing is to be done.",
    "another-store": (
        "This integration's key is known from another store, so this one was not connected. If the store moved, delete "
        "the integration in System > Integrations, create it again and click Activate."
    ),
    "invitation-required": (
        "This app takes invited stores only. Ask its operator for an invitation and paste the URLs that come with it "
        "into the integration."
    ),
    "invitation-unknown": (
        "The invitation in this URL is unknown, revoked or over, or it is for another store. "
        "Ask the app's operator for a new one and paste the URLs that come with it into the integration."
    ),
    "insecure-store": (
        "The store's base URL is not https, and secrets do not travel in the clear. Set the secure base URL in "
        "Stores > Configuration > Web and click Reauthorize."
    ),
    "port-not-allowed": (
        "The store's base URL names a port that this deployment does not call. Its operator can add the port to the "
        "parameter AllowedPorts; then click Reauthorize."
    ),
    "address-not-public": (
        "The store's host leads to an address that is not public, so it was not called. "
        "Make the store reachable from the internet and click Reauthorize."
    ),
    "host-unknown": (
        "The store's host name cannot be resolved. Check the base URL in Stores > Configuration > Web and the "
        "domain's DNS, then click Reauthorize."
    ),
    "certificate-invalid": (
        "The store's TLS certificate was not accepted for its host. "
        "Renew it or complete its chain, then click Reauthorize."
    ),
    "clock": (
        "The store could not validate the nonce; most often its clock is behind by more than 600 seconds. "
        "Set the store's clock by NTP and click Reauthorize."
    ),
    "nonce-used": "The store says that the nonce was used before, twice in a row. Click Reauthorize in Magento.",
    "store-error": (
        "The store answered with an error of its own. "
        "Its var/log/exception.log says more; mend that and click Reauthorize."
    ),
    "maintenance": ("The store is in maintenance mode or overloaded. Click Reauthorize in Magento when it is back."),
    "rate-limited": (
        "The store answers that there are too many requests. Let this app through its rate limit and click Reauthorize."
    ),
    "blocked": (
        "Something in front of the store (a firewall or bot protection) refused the call. "
        "Let requests to oauth/token/ and rest/ through; if the store was not connected by then, click Reauthorize."
    ),
    "unreadable": (
        "The store's answer was not the token answer of Magento: a page, a part of an answer, or too long a one. "
        "Check what answers at oauth/token/ of the store's base URL, then click Reauthorize."
    ),
    "unreachable": (
        "The store did not answer in time or the connection broke. "
        "Check that it can be reached from the internet and click Reauthorize."
    ),
    "busy": "Another run of this step is under way. Try again in 15 seconds.",
    "aws": "An AWS service did not take the call. Try again; the log line of this activation names the service.",
    "unfinished": (
        "The steps did not come to an end in time. The operator finds the cause in the state machine's execution; "
        "then click Reauthorize in Magento."
    ),
    "call-not-found": "The store has nothing under this path. Check the path, the id in it and the store view.",
    "call-refused": "The store did not take the call; its own words say why. Mend the call and send it again.",
    "call-later": (
        "The store cannot answer now: it is overloaded, in maintenance mode, or failed on its own. Try again later; "
        "where a call changes something, look first whether it was done."
    ),
    "no-search": (
        "The answer is not one of a search: it has no items and total_count. "
        "Search a path whose method takes searchCriteria, such as products or orders."
    ),
    "login-refused": (
        "The user name or the password is wrong, or the account is locked, as after 6 failures for 30 minutes: Magento "
        "says the same of both. Check them by hand in the store before the next try."
    ),
    "login-locked": "The account is locked or disabled. Wait 30 minutes, or have it unlocked in the store's admin.",
    "two-factor": (
        "The account needs its second factor. Give otp, the six digits that Google Authenticator shows now; where the "
        "user has another provider, set Google Authenticator up for the user in the store's admin first."
    ),
    "two-factor-setup": (
        "The account has no second factor yet, and the store asks for one. Follow the e-mail that the store sent to "
        "the user, set Google Authenticator up, and log in with otp."
    ),
    "otp-refused": (
        "The one-time password was not accepted: it is over after 30 seconds, and good once. "
        "Check the clock of the device that shows it, and log in with the next one."
    ),
    "login-expired": (
        "The login is over: Magento's tokens last an hour for customers and four for admins. Log in again."
    ),
    "not-logged-in": (
        "No login of this user is kept for this store. Log in by POST /logins, or by storelink.login for this process."
    ),
    "bad-parameter": "Magento cannot verify a signature over such a parameter. Write it as name=value, each name once.",
    "not-connected": (
        "There are no credentials for this store. Check the store URL, then activate the integration in the store: "
        "in Magento open System > Integrations and click Activate, or Reauthorize where it was connected before."
    ),
    "revoked": (
        "The store does not take the access token any more: the integration was reauthorized, deactivated or deleted "
        "there. In Magento open System > Integrations and click Reauthorize, or Activate."
    ),
    "forbidden": (
        "The store keeps the caller from a resource, or the integration was deleted. In Magento open System > "
        "Integrations, tick the resource under the integration's API (for an admin's login: in the user's role), save, "
        "and click Reauthorize."
    ),
    "secret-gone": (
        "The store's credentials are not in Secrets Manager any more. Restore the secret within its recovery window, "
        "or click Reauthorize in Magento."
    ),
    "forgotten": (
        "An operator has forgotten this store. An Activate or Reauthorize in Magento connects it again; within the "
        "secret's recovery window the operator can restore the secret and test the connection."
    ),
    "provider": (
        "The OpenID provider could not be asked, or did not answer as one. Compare OidcIssuer, OidcClientId and the "
        "client's secret with the client that is registered there."
    ),
    "claimed": "The connection belongs to another tenant already. Nothing was changed.",
    "not-found": (
        "There is no such thing. Activations are kept for a day; their ids are in the log and in the events. "
        "Connections are listed by GET /connections."
    ),
    "bad-input": "Mend the named fields and send it again.",
}
"""What to do, by reason. The reasons are stable names: events, rows, answers and pages carry them."""


class StorelinkError(Exception):
    """What Storelink raises.

    reason: a key of `ADVICE`. problem: what was seen, in the store's own words where it spoke. advice: what to do.
    """

    def __init__(self, reason: str, problem: str = "") -> None:
        self.reason = reason
        self.problem = problem
        self.advice = ADVICE[reason]
        super().__init__(reason, problem)

    def __str__(self) -> str:
        return f"{self.reason}: {self.problem or self.advice}"


class Invalid(StorelinkError):
    """The caller's move: the input is wrong. fields: what is wrong with each field, by its name."""

    def __init__(self, fields: dict[str, str], reason: str = "bad-input") -> None:
        self.fields = fields
        super().__init__(reason, "; ".join(f"{name} {wrong}" for name, wrong in fields.items()))


class NotAdmitted(StorelinkError):
    """The operator's move: this deployment does not take the store, or not by this way."""


class Rejected(StorelinkError):
    """The merchant's move: the store said no, or may not be called. Asking again changes nothing."""


class Unavailable(StorelinkError):
    """Nobody's move yet: safe to try again."""


class LoginRefused(Rejected):
    """The store did not log the user in. Never try again unchanged: each failure counts towards a lock."""


class TwoFactorNeeded(LoginRefused):
    """The account needs a second factor: give `otp`, or set the factor up."""


class CallFailed(StorelinkError):
    """The store answered a REST call with an error. problem: Magento's message, its parameters put in.

    status: HTTP's. resource: the ACL resource that the caller lacks, as Magento_Sales::actions_view; "" for none.
    """

    def __init__(self, reason: str, problem: str, status: int, resource: str = "") -> None:
        self.status = status
        self.resource = resource
        super().__init__(reason, problem or f"HTTP {status}")


class NotAuthorized(CallFailed, Rejected):
    """401 or 403: the token is gone, or lacks a resource (`resource`). The merchant's move."""


class NotFound(CallFailed):
    """404: there is no such path, or nothing with such an id."""


class CallRefused(CallFailed):
    """Another answer that is no success: the caller's move, or, where it is a redirect, the merchant's."""


class NotNow(CallFailed, Unavailable):
    """429 or 5xx: the store could not answer. Reading again is safe; what a changing call did is not known."""
