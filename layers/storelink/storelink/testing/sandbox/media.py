"""The images of a sandbox store's product (Magento_Catalog's media gallery)."""

from __future__ import annotations

import base64
import binascii
import re
from itertools import count
from typing import Any

from storelink.testing.sandbox import body
from storelink.testing.sandbox.body import Fields
from storelink.testing.sandbox.refusal import Refused

ENTRY = body.types(
    int="id position",
    bool="disabled",
    string="media_type label file",
    mixed="types content extension_attributes",
)
NO_CONTENT = "The image content is invalid. Verify the content and try again."
NOT_BASE64 = "The image content must be valid base64 encoded data."
WRONG_TYPE = "The image MIME type is not valid or not supported."
WRONG_NAME = "Provided image name contains forbidden characters."
NO_ENTRY = "No image with the provided ID was found. Verify the ID and try again."
NO_IMAGE = "The image doesn't exist. Verify and try again."

IMAGE_TYPES = {b"\x89PNG\r\n\x1a\n": "image/png", b"\xff\xd8\xff": "image/jpeg", b"GIF8": "image/gif"}
"""MIME types that Magento takes, by the first bytes of an image."""

_IDS = count(1)


class Gallery:
    """The entries of one product, in their order."""

    def __init__(self) -> None:
        self._entries: dict[int, Fields] = {}

    def entries(self) -> list[Fields]:
        """Return all entries."""
        return [entry.copy() for entry in self._entries.values()]

    def get(self, number: int) -> Fields:
        """Return one entry. Raises Refused."""
        if number not in self._entries:
            raise Refused(404, NO_IMAGE)
        return self._entries[number].copy()

    def add(self, given: Any) -> int:
        """Add an image (POST products/SKU/media), and return its id. Raises Refused."""
        entry = body.converted(given, ENTRY)
        name = _image_name(entry.get("content"))
        number = next(_IDS)
        self._entries[number] = {
            "id": number,
            "media_type": entry.get("media_type") or "image",
            "label": entry.get("label"),
            "position": entry.get("position") or len(self._entries) + 1,
            "disabled": bool(entry.get("disabled")),
            "types": entry.get("types") or [],
            "file": self._file(name),
        }
        return number

    def change(self, number: int, given: Any) -> bool:
        """Change an entry (PUT products/SKU/media/ID). Raises Refused."""
        if number not in self._entries:
            raise Refused(404, NO_ENTRY)
        entry = body.converted(given, ENTRY)
        if entry.pop("content", None):
            entry["file"] = self._file(_image_name(given["content"]))
        self._entries[number] |= {name: value for name, value in entry.items() if value is not None and name != "id"}
        return True

    def remove(self, number: int) -> bool:
        """Remove an entry. Raises Refused."""
        if self._entries.pop(number, None) is None:
            raise Refused(404, NO_ENTRY)
        return True

    def replace(self, given: Any) -> None:
        """Keep the entries that are named by their id, add those with content, remove all others. Raises Refused."""
        named = [one for one in given if isinstance(one, dict)] if isinstance(given, list) else []
        for one in named:
            if "id" not in one:
                _image_name(one.get("content"))
        keep = {int(one["id"]) for one in named if one.get("id") is not None}
        self._entries = {number: entry for number, entry in self._entries.items() if number in keep}
        for one in named:
            if one.get("id") is None:
                self.add(one)
            elif int(one["id"]) in self._entries:
                self.change(int(one["id"]), one)

    def _file(self, name: str) -> str:
        """Return the place that Magento gives an image: two folders by its name, a number where it is taken."""
        stem, _, ending = name.rpartition(".")
        taken = {entry["file"] for entry in self._entries.values()}
        for number in count():
            numbered = f"{stem}_{number}.{ending}" if number else name
            file = f"/{'/'.join(numbered[:2].replace('.', '_').ljust(2, '_'))}/{numbered}".lower()
            if file not in taken:
                return file
        raise AssertionError  # count() has no end


def _image_name(content: Any) -> str:
    """Return the name of an image's content, which is checked in Magento's order. Raises Refused."""
    if not isinstance(content, dict):
        raise Refused(400, NO_CONTENT)
    try:
        image = base64.b64decode(str(content.get("base64_encoded_data") or ""), validate=True)
    except binascii.Error:
        raise Refused(400, NOT_BASE64) from None
    kind = next((kind for start, kind in IMAGE_TYPES.items() if image.startswith(start)), None)
    if kind is None:
        raise Refused(400, NOT_BASE64)
    if kind != content.get("type"):
        raise Refused(400, WRONG_TYPE)
    name = str(content.get("name") or "")
    if not re.fullmatch(r'[^\\/?*:";<>()|{}]+', name):
        raise Refused(400, WRONG_NAME)
    return name
