"""The Magento module that ships the integration: `module`."""

import errno
from pathlib import Path
from typing import Annotated

import typer

from storelink_cli.context import Context, command
from storelink_cli.errors import Exit, Failure, bad_input
from storelink_cli.magento_module import Module

NOTES = (
    "A resource does not include its children: list each one that your calls need.",
    "A later version of the module with another URL makes Magento create the integration again, with new keys: the "
    "merchant has to activate it again.",
)


_RESOURCE = typer.Option(
    "--resource",
    "-r",
    metavar="ACL",
    help="A resource that the integration may use, without its children: Magento_Sales::actions_view. May be repeated.",
)
_TITLE = typer.Option(help="The integration's name in the admin. Default: VENDOR NAME.")
_CALLBACK_URL = typer.Option(help="The callback URL of an invitation. Default: the stack's.")
_IDENTITY_URL = typer.Option(help="The identity URL of the same invitation.")


@command
def module(
    context: Context,
    name: Annotated[str, typer.Argument(metavar="VENDOR/NAME", help="For example Acme/Shop.", show_default=False)],
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A folder that does not exist.", show_default=False)],
    resource: Annotated[list[str], _RESOURCE],
    email: Annotated[str, typer.Option(help="The address that merchants can write to.")],
    title: Annotated[str | None, _TITLE] = None,
    callback_url: Annotated[str | None, _CALLBACK_URL] = None,
    identity_url: Annotated[str | None, _IDENTITY_URL] = None,
) -> None:
    """Write a Magento module that ships the integration, with its two URLs and the resources that you choose."""
    if (callback_url is None) != (identity_url is None):
        raise bad_input("--callback-url and --identity-url belong together", "Give both, or neither.")
    made = Module.checked(
        name,
        title or name.replace("/", " "),
        email,
        callback_url or context.stack.outputs["CallbackUrl"],
        identity_url or context.stack.outputs["IdentityLinkUrl"],
        resource,
    )
    files = made.files()
    _write(folder, files)
    if context.out.as_json:
        context.out.json({"module": made.full_name, "folder": str(folder), "files": sorted(files)})
        return
    for path in sorted(files):
        context.out.text(str(folder / path))
    context.out.note(
        f"Copy the folder to app/code/{name} of the store. Then run: bin/magento module:enable {made.full_name} && "
        "bin/magento setup:upgrade. The integration is then listed in System > Extensions > Integrations, with the "
        "link Activate."
    )
    for note in NOTES:
        context.out.note(note)


def _write(folder: Path, files: dict[str, str]) -> None:
    """Write the files into a new folder. Raises Failure where it exists, or cannot be made."""
    try:
        folder.mkdir(parents=True)
        for path, text in files.items():
            file = folder / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
    except OSError as error:
        if error.errno == errno.EEXIST:
            raise Failure(
                Exit.USAGE, "exists", f"{folder} exists", "Nothing is overwritten: name a new folder."
            ) from None
        problem = f"{error.filename}: {error.strerror}"
        raise Failure(Exit.USAGE, "not-writable", problem, "Name a folder that can be written.") from None
