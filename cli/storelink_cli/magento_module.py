"""A Magento module that ships the integration: its files, as texts.

Element names and their order are those of Magento's schemas (Module/etc/module.xsd, and integration/integration.xsd of
Magento_Integration). `bin/magento setup:upgrade` creates the integration from etc/integration.xml. The pair
etc/integration/config.xml and api.xml, which older tutorials describe, creates nothing in Magento 2.4.
"""

import json
import re
from dataclasses import dataclass
from xml.sax.saxutils import escape, quoteattr

from storelink.errors import Invalid

_PART = re.compile(r"[A-Z][A-Za-z0-9]*")
_RESOURCE = re.compile(r"[A-Z][A-Za-z0-9]*_[A-Z][A-Za-z0-9]*::[A-Za-z0-9_]+")
_EMAIL = re.compile(r"[^@\s]+@[^@\s.]+\.[^@\s]+")
_XML_TEXT = re.compile(r"[\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]*")
_XSI = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
_SCHEMA = "urn:magento:module:Magento_Integration:etc/integration/integration.xsd"


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
        return {
            "registration.php": _REGISTRATION.replace("VENDOR_NAME", self.full_name),
            "composer.json": self._composer(),
            "etc/module.xml": self._module_xml(),
            "etc/integration.xml": self._integration_xml(),
        }

    def _composer(self) -> str:
        package = {
            "name": f"{_dashed(self.vendor)}/module-{_dashed(self.name)}",
            "description": f"Adds the integration {self.title}, ready to activate.",
            "type": "magento2-module",
            "require": {"magento/framework": "*", "magento/module-integration": "*"},
            "autoload": {"files": ["registration.php"], "psr-4": {f"{self.vendor}\\{self.name}\\": ""}},
        }
        return json.dumps(package, indent=4, ensure_ascii=False) + "\n"

    def _module_xml(self) -> str:
        return f"""<?xml version="1.0"?>
<config {_XSI} xsi:noNamespaceSchemaLocation="urn:magento:framework:Module/etc/module.xsd">
    <module name={quoteattr(self.full_name)}>
        <sequence>
            <module name="Magento_Integration"/>
        </sequence>
    </module>
</config>
"""

    def _integration_xml(self) -> str:
        resources = "\n".join(f"            <resource name={quoteattr(one)}/>" for one in self.resources)
        return f"""<?xml version="1.0"?>
<config {_XSI} xsi:noNamespaceSchemaLocation="{_SCHEMA}">
    <integration name={quoteattr(self.title)}>
        <email>{escape(self.email)}</email>
        <endpoint_url>{escape(self.callback_url)}</endpoint_url>
        <identity_link_url>{escape(self.identity_url)}</identity_link_url>
        <resources>
{resources}
        </resources>
    </integration>
</config>
"""


_REGISTRATION = """<?php
/**
 * Registers the module.
 */
use Magento\\Framework\\Component\\ComponentRegistrar;

ComponentRegistrar::register(ComponentRegistrar::MODULE, 'VENDOR_NAME', __DIR__);
"""


def _dashed(name: str) -> str:
    """A PHP name as Composer writes it: AcmeShop becomes acme-shop."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", name).lower()
