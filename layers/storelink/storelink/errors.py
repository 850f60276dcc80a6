"""The one family of errors, split by who has to act."""

from enum import StrEnum

from storelink.advice import ADVICE as ADVICE

READING_METHODS = ("GET", "HEAD")
"""HTTP's methods that change nothing."""


class Sent(StrEnum):
    """The fate of a call's request: it decides what can be done after an error."""

    NO = "no"
    """Nothing reached the store, so it did nothing."""
    REFUSED = "refused"
    """The store, or what stands before it, answered, and did nothing."""
    LOST = "lost"
    """The request left, and no answer says what the store did."""


class StorelinkError(Exception):
    """What Storelink raises.

    reason: a key of `storelink.advice.REASONS`. problem: what was seen, in the store's own words where it answered.
    advice: what happened and what to do.
    sent: of an error that a call to a store ended with, the fate of its request. method: HTTP's, "" where it is not
    known.
    """

    def __init__(self, reason: str, problem: str = "", *, sent: Sent = Sent.NO, method: str = "") -> None:
        self.reason = reason
        self.problem = problem
        self.advice = ADVICE[reason]
        self.sent = sent
        self.method = method.upper()
        super().__init__(reason, problem)

    def __str__(self) -> str:
        return f"{self.reason}: {self.problem or self.advice}"

    @property
    def may_be_done(self) -> bool:
        """Whether the store may have done what the call asked for, so that repeating it could do it twice."""
        return self.sent is Sent.LOST and self.method not in READING_METHODS


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
    """A cause that can pass: try again later. Not blindly where `may_be_done`: then look first what the store did.

    limit: the caller's own limit that ended the call, "time" or "bytes"; "" where none did.
    """

    def __init__(
        self, reason: str, problem: str = "", *, sent: Sent = Sent.NO, method: str = "", limit: str = ""
    ) -> None:
        self.limit = limit
        super().__init__(reason, problem, sent=sent, method=method)


class LoginRefused(Rejected):
    """The store did not log the user in. Never try again unchanged: each failure counts towards a lock."""


class TwoFactorNeeded(LoginRefused):
    """The account needs a second factor: give `otp`, or set the factor up."""


class CallFailed(StorelinkError):
    """The store answered a REST call with an error. problem: Magento's message, its parameters put in.

    status: HTTP's. resource: the ACL resource that the caller lacks, as Magento_Sales::actions_view; "" for none.
    """

    def __init__(
        self,
        reason: str,
        problem: str,
        status: int,
        resource: str = "",
        *,
        sent: Sent = Sent.REFUSED,
        method: str = "",
    ) -> None:
        self.status = status
        self.resource = resource
        super().__init__(reason, problem or f"HTTP {status}", sent=sent, method=method)


class NotAuthorized(CallFailed, Rejected):
    """401 or 403: the token is gone, or lacks a resource (`resource`). The merchant's move."""


class NotFound(CallFailed):
    """404: there is no such path, or nothing with such an id."""


class CallRefused(CallFailed):
    """Another answer that is no success: the caller's move, or, where it is a redirect, the merchant's."""


class NotNow(CallFailed, Unavailable):
    """429, 5xx, or words that say so: the store could not answer. Reading again is safe.

    Of a call that changes something, `may_be_done` says whether the store may have done it.
    """


class NotJSON(CallFailed, Unavailable, ValueError):
    """The answer has a success's status, and is not the JSON that was asked for: a page, or a part of an answer."""
