"""The one family of errors, split by who has to act."""

from storelink.advice import ADVICE as ADVICE


class StorelinkError(Exception):
    """What Storelink raises.

    reason: a key of `storelink.advice.REASONS`. problem: what was seen, in the store's own words where it answered.
    advice: what happened and what to do.
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
