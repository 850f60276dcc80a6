"""A Magento module that ships the integration. Its files are written from those in module_files/.

Element names and their order are those of Magento's schemas (Module/etc/module.xsd, and integration/integration.xsd of
Magento_Integration). `bin/magento setup:upgrade` creates the integration from etc/integration.xml. The pair
etc/integration/config.xml and api.xml, which older tutorials describe, creates nothing in Magento 2.4.
"""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from string import Template
from xml.sax.saxutils import escape, quoteattr

from storelink.errors import Invalid

_PART = re.compile(r"[A-Z][A-Za-z0-9]*")
_RESOURCE = re.compile(r"[A-Z][A-Za-z0-9]*_[A-Z][A-Za-z0-9]*::[A-Za-z0-9_]+")
_EMAIL = re.compile(r"[^@\s]+@[^@\s.]+\.[^@\s]+")
_XML_TEXT = re.compile(r"[\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]*")
_FILES = Path(__file__).with_name("module_files")
_PATHS = ("registration.php", "composer.json", "etc/module.xml", "etc/integration.xml")


@dataclass(frozen=True)
class Module:
    """What the module declares. vendor and name: PHP namespaces. title: the integration's name in the admin.

    resources: the ACL resources that the integration may use, without their children (Magento_Sales::actions_view).
    """

    vendor: str
    name: str
    title: str
    email: str
    callback_url: str
    identity_url: str
    resources: tuple[str, ...]

    @classmethod
    def checked(
        cls, module: str, title: str, email: str, callback_url: str, identity_url: str, resources: list[str]
    ) -> "Module":
        """Read the command line. module: VENDOR/NAME. Raises Invalid, naming every wrong field at once."""
        vendor, _, name = module.partition("/")
        wrong = {}
        if not _PART.fullmatch(vendor) or not _PART.fullmatch(name):
            wrong["VENDOR/NAME"] = "must be two words of letters and digits that begin with a capital: Acme/Shop"
        if len(title) < 2 or not _XML_TEXT.fullmatch(title):
            wrong["--title"] = "must be at least 2 characters that XML can hold"
        if not _EMAIL.fullmatch(email) or not _XML_TEXT.fullmatch(email):
            wrong["--email"] = "must be an address: name@example.com"
        for option, url in {"--callback-url": callback_url, "--identity-url": identity_url}.items():
            if not url.startswith(("https://", "http://")) or not _XML_TEXT.fullmatch(url) or " " in url:
                wrong[option] = "must be an https URL"
            elif "?" in url or "#" in url:
                wrong[option] = "must not have ? or #: Magento adds a query of its own"
        if not resources:
            wrong["--resource"] = "is missing: name what the integration may use, such as Magento_Sales::actions_view"
        elif bad := [one for one in resources if not _RESOURCE.fullmatch(one)]:
            wrong["--resource"] = f"{bad[0]} is not an ACL resource: write it such as Magento_Sales::actions_view"
        if wrong:
            raise Invalid(wrong)
        return cls(vendor, name, title, email, callback_url, identity_url, tuple(dict.fromkeys(resources)))

    @property
    def full_name(self) -> str:
        """Magento's name of the module."""
        return f"{self.vendor}_{self.name}"

    def files(self) -> dict[str, str]:
        """The module's files by their paths below its folder."""
        values = {
            "module": self.full_name,
            "package": f"{_dashed(self.vendor)}/module-{_dashed(self.name)}",
            "description": json.dumps(f"Adds the integration {self.title}, ready to activate.", ensure_ascii=False),
            "namespace": f"{self.vendor}\\\\{self.name}\\\\",
            "title": quoteattr(self.title),
            "email": escape(self.email),
            "callback_url": escape(self.callback_url),
            "identity_url": escape(self.identity_url),
            "resources": "\n".join(f"            <resource name={quoteattr(one)}/>" for one in self.resources),
        }
        return {path: Template((_FILES / path).read_text("utf-8")).substitute(values) for path in _PATHS}


def _dashed(name: str) -> str:
    """A PHP name as Composer writes it: AcmeShop becomes acme-shop."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", name).lower()
