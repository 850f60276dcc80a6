"""Invitations, by which one tenant's stores connect: `invite`, `invitations`, `revoke`."""

from typing import Annotated, Any

import typer

from storelink_cli import lookup, times
from storelink_cli.context import Context, command
from storelink_cli.times import with_age

ONCE = "Whoever has these URLs can connect a store for the tenant. They are not shown again."


@command
def invite(
    context: Context,
    tenant: Annotated[str, typer.Argument(help="The tenant that the stores will belong to.", show_default=False)],
    store: Annotated[str | None, typer.Option(metavar="URL", help="The only store that may use it.")] = None,
    lifetime: Annotated[
        str, typer.Option(metavar="TIME", help="How long new stores can connect: 12h, 7d, 2w; at least 1h.")
    ] = "7d",
) -> None:
    """Create an invitation: the two URLs that a tenant's merchant enters in the integration. They are shown once."""
    seconds = times.lifetime(lifetime, "--lifetime")
    made = context.stack.api.post("invitations", tenant=tenant, store_url=store, lifetime=seconds)
    context.out.fields(made, "invitation_id", "tenant", "store_url", "callback_url", "identity_url", "valid_until")
    if not context.out.as_json:
        context.out.note(ONCE, "yellow")


@command
def invitations(
    context: Context,
    tenant: Annotated[str | None, typer.Option(help="Only invitations of this tenant.")] = None,
) -> None:
    """List the invitations. `storelink revoke` ends one."""
    found = lookup.invitations(context.stack, tenant)
    if context.out.as_json:
        context.out.json({"invitations": found})
    elif found:
        titles = ["Invitation", "State", "Tenant", "Store", "Created", "Valid until"]
        context.out.table(titles, map(_row, found))
        context.out.note("End one with `storelink revoke INVITATION`; the first 8 characters are enough.")
    else:
        context.out.note("No invitations.")


@command
def revoke(
    context: Context,
    invitation: Annotated[
        str,
        typer.Argument(metavar="INVITATION", help="An id, or at least 8 characters of it.", show_default=False),
    ],
) -> None:
    """Revoke an invitation: no store can connect by it any more."""
    invitation_id = lookup.invitation_id(context.stack, invitation)
    revoked = context.stack.api.delete("invitations", invitation_id)
    if context.out.as_json:
        context.out.json(revoked)
    else:
        context.out.text(f"Revoked: {invitation_id}")


def _row(invitation: dict[str, Any]) -> list[str]:
    texts = ("invitation_id", "state", "tenant", "store_url")
    times = ("created_at", "valid_until")
    return [
        *(str(invitation.get(name, "")) for name in texts),
        *(with_age(invitation.get(name, "")) for name in times),
    ]
