"""One server plays several sandbox stores."""

import pytest
import requests

from storelink.testing.sandbox import Sandbox, serve
from tests.testing.sandbox.shop import App, Shop, call, problem


def test_a_named_store_believes_in_a_base_url_with_a_path(server: Sandbox) -> None:
    shop = Shop(server.store("with-a-path")).activated().connected()
    assert shop.store.base_url == f"{server.url}stores/with-a-path/"
    assert shop.get("rest/V1/modules").status_code == 200


def test_stores_know_nothing_of_each_other(server: Sandbox) -> None:
    one, other = Shop(server.store("one")).activated(), Shop(server.store("other"))
    stranger = Shop(other.store, one.key, one.secret)
    assert problem(stranger.request()) == (401, "A consumer having the specified key does not exist")


@pytest.mark.parametrize("name", ["Shop", "a b", "a%2Fb"])
def test_a_store_has_a_plain_name(server: Sandbox, name: str) -> None:
    assert call("GET", f"{server.url}stores/{name}/admin").status_code == 404
    with pytest.raises(ValueError, match="A store's name"):
        server.store(name)


def test_the_default_store_is_at_the_root(server: Sandbox) -> None:
    assert server.url == f"http://127.0.0.1:{server.port}/" == server.store().base_url
    shop = Shop(server.store()).activated().connected()
    assert shop.get("rest/V1/modules").status_code == 200


def test_a_double_slash_is_not_redirected(server: Sandbox) -> None:
    assert call("POST", f"{server.url}oauth//token/request").status_code == 404


def test_without_rewrites_only_index_php_answers(shop: Shop) -> None:
    shop.activated()
    shop.store.rewrites = False
    assert shop.request().status_code == 404
    assert shop.send("POST", "index.php/oauth/token/request", {}).status_code == 200


def test_serve_says_where_to_post_where_a_script_does_not(app: App) -> None:
    with serve(callback_url=app.url, identity_url="http://app.invalid/identity") as sandbox:
        said = call("POST", f"{sandbox.url}sandbox/activate", json={}).json()
        page = call("GET", f"{sandbox.url}admin").text
    assert said["popup_url"].startswith("http://app.invalid/identity?oauth_consumer_key=")
    assert f'value="{app.url}"' in page
    assert len(app.forms) == 1


def test_a_closed_server_lets_its_port_go() -> None:
    with serve() as sandbox:
        port = sandbox.port
    with pytest.raises(requests.ConnectionError):
        call("GET", sandbox.url)
    with serve(port) as again:
        assert again.url == sandbox.url
