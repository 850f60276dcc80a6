"""`module`: writes a Magento module that ships the integration."""

import errno
from pathlib import Path
from typing import Annotated

import typer

from storelink_cli.command import Run, command
from storelink_cli.exits import Exit, Failure
from storelink_cli.module import Module


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(module)


@command
def module(
    run: Run,
    name: Annotated[str, typer.Argument(metavar="VENDOR/NAME", help="As Acme/Storelink.", show_default=False)],
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="Where to write it; must not be there yet.", show_default=False)
    ],
    resource: Annotated[
        list[str], typer.Option("--resource", "-r", metavar="ACL", help="As Magento_Sales::sales; may be repeated.")
    ],
    email: Annotated[str, typer.Option(help="Whom the merchant may write to.")],
    title: Annotated[
        str | None, typer.Option(help="The integration's name in the admin. By default VENDOR NAME.")
    ] = None,
    callback_url: Annotated[
        str | None, typer.Option(help="Of an invitation, for one tenant's stores. By default the stack's.")
    ] = None,
    identity_url: Annotated[str | None, typer.Option(help="The one that goes with it.")] = None,
) -> None:
    """Write a Magento module that ships the integration, with this stack's URLs and the ACL resources you choose."""
    if (callback_url is None) != (identity_url is None):
        raise Failure(
            Exit.USAGE, "bad-input", "--callback-url and --identity-url go together", "Give both, or neither."
        )
    made = Module.checked(
        name,
        title or name.replace("/", " "),
        email,
        callback_url or run.stack.outputs["CallbackUrl"],
        identity_url or run.stack.outputs["IdentityLinkUrl"],
        resource,
    )
    files = made.files()
    _write(folder, files)
    if run.out.as_json:
        run.out.json({"module": made.full_name, "folder": str(folder), "files": sorted(files)})
        return
    for path in sorted(files):
        run.out.text(str(folder / path))
    run.out.aside(
        f"In the shop: copy it to app/code/{name}, then bin/magento module:enable {made.full_name} && bin/magento "
        "setup:upgrade. The integration is then in System > Integrations, ready to Activate."
    )


def _write(folder: Path, files: dict[str, str]) -> None:
    """Write the files into a new folder. Raises Failure where it is there already, or cannot be made."""
    try:
        folder.mkdir(parents=True)
        for path, text in files.items():
            file = folder / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
    except OSError as error:
        there = error.errno == errno.EEXIST
        raise Failure(
            Exit.USAGE,
            "exists" if there else "not-writable",
            f"{folder} is there already" if there else f"{error.filename}: {error.strerror}",
            "Nothing is overwritten: name a new folder." if there else "Name a folder that can be written.",
        ) from None
