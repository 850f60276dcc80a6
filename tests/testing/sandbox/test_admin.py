"""The sandbox store's pages."""

import re
import time
from email.utils import parsedate_to_datetime

from storelink.testing.sandbox.signature import DIALECTS
from storelink.testing.sandbox.troubles import GROUPS
from tests.testing.sandbox.shop import Shop, call


def links(page: str) -> list[str]:
    """Return the links of the grid."""
    return re.findall(r'<button type="button" data-action="[a-z]+">(\w+)</button>', page)


def test_the_admin_page_shows_the_urls_that_it_was_given(shop: Shop) -> None:
    page = call("GET", f"{shop.store.base_url}admin?callback=http://app/c&identity=http://app/%22i").text
    assert 'value="http://app/c"' in page
    assert 'value="http://app/&#34;i"' in page


def test_each_row_shows_its_status_and_one_link(shop: Shop) -> None:
    admin = f"{shop.store.base_url}admin"
    new = call("GET", admin).text
    assert ("Inactive" in new, links(new)) == (True, ["Activate"])
    shop.activated().requested()
    assert links(call("GET", admin).text) == ["Activate"]
    shop.connected_from_request()
    active = call("GET", admin).text
    assert (">Active<" in active, links(active)) == (True, ["Reauthorize"])
    Shop(shop.store).activated("other")
    assert links(call("GET", admin).text) == ["Reauthorize", "Activate"]


def test_the_page_is_where_magentos_menu_has_it_and_opens_no_policy(shop: Shop) -> None:
    answer = call("GET", f"{shop.store.base_url}admin")
    assert "System &rsaquo; Extensions &rsaquo; Integrations" in answer.text
    assert "Cross-Origin-Opener-Policy" not in answer.headers


def test_the_page_shows_the_dialect_and_offers_the_others(shop: Shop) -> None:
    shop.store.set_dialect("native")
    page = call("GET", f"{shop.store.base_url}admin").text
    assert re.findall(r"<option( selected)?>(\w+)</option>", page) == [
        (" selected" if dialect == "native" else "", dialect) for dialect in DIALECTS
    ]


def test_the_stores_address_leads_to_the_admin_and_tells_the_base_url(shop: Shop) -> None:
    page = call("GET", shop.store.base_url)
    assert page.status_code == 200
    assert f'href="{shop.store.base_url}admin"' in page.text
    told = re.search(r"var BASE_URL = '(.+)';", page.text)
    assert told
    assert told[1].encode().decode("unicode_escape") == shop.store.base_url
    assert "/" not in told[1]  # escaped as Magento escapes it


def test_the_store_tells_its_version_and_time(shop: Shop) -> None:
    shop.store.set_clock(-3600)
    answer = call("GET", f"{shop.store.base_url}magento_version")
    assert answer.text == "Magento/2.4 (Community)"
    behind = time.time() - parsedate_to_datetime(answer.headers["Date"]).timestamp()
    assert 3595 < behind < 3605


def test_the_page_offers_every_trouble_and_shows_those_that_are_on(shop: Shop) -> None:
    shop.store.trouble("gateway_timeout", times=2, endpoint="rest")
    page = call("GET", f"{shop.store.base_url}admin").text
    offered = re.findall(r'<option value="(\w+)">\w+ &ndash;', page)
    assert offered == [kind for kinds in GROUPS.values() for kind in kinds]
    assert re.search(r"<li><b>gateway_timeout</b> at rest,\s+2 times: 504: a proxy&#39;s page</li>", page)


def test_the_page_lists_what_was_called_the_newest_first(shop: Shop) -> None:
    assert "Nothing yet." in call("GET", f"{shop.store.base_url}admin").text
    shop.activated().connected().get("rest/V1/products/NONE")
    page = call("GET", f"{shop.store.base_url}admin").text
    assert re.findall(r'<td class="path">(.+)</td>', page) == [
        "rest/V1/products/NONE",
        "oauth/token/access",
        "oauth/token/request",
    ]
    assert '<td class="refused">404</td>' in page
