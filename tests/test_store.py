"""One store, one spelling: what is taken for a base URL, how it is written, and what is refused."""

import pytest

from storelink.errors import Invalid
from storelink.store import MAX_URL_LENGTH, Store

SPELLINGS = {
    "a plain one": ("https://shop.example/", "https://shop.example/"),
    "capital letters": ("HTTPS://Shop.EXAMPLE/Path/", "https://shop.example/Path/"),
    "no slash at the end": ("https://shop.example", "https://shop.example/"),
    "a path without a slash at the end": ("https://shop.example/shop", "https://shop.example/shop/"),
    "a path": ("https://shop.example/shop/", "https://shop.example/shop/"),
    "index.php, where rewrites are off": ("https://shop.example/index.php/", "https://shop.example/index.php/"),
    "index.php below a path": ("https://shop.example/a/index.php", "https://shop.example/a/index.php/"),
    "https' own port": ("https://shop.example:443/", "https://shop.example/"),
    "http's own port": ("http://shop.example:80/", "http://shop.example/"),
    "http's port on https": ("https://shop.example:80/", "https://shop.example:80/"),
    "https' port on http": ("http://shop.example:443/", "http://shop.example:443/"),
    "another port": ("https://shop.example:8443/shop", "https://shop.example:8443/shop/"),
    "a port with zeros before it": ("https://shop.example:00443/", "https://shop.example/"),
    "the highest port": ("https://shop.example:65535/", "https://shop.example:65535/"),
    "a colon without a port": ("https://shop.example:/", "https://shop.example/"),
    "an umlaut": ("https://b\u00fccher.example/", "https://xn--bcher-kva.example/"),
    "a capital umlaut": ("https://B\u00dcCHER.example/", "https://xn--bcher-kva.example/"),
    "an umlaut in two characters": ("https://bu\u0308cher.example/", "https://xn--bcher-kva.example/"),
    "punycode in capitals": ("https://XN--BCHER-KVA.example/", "https://xn--bcher-kva.example/"),
    "sharp s, which stays one": ("https://fa\u00df.example/", "https://xn--fa-hia.example/"),
    "an ideographic full stop": ("https://shop\u3002example/", "https://shop.example/"),
    "a full-width full stop": ("https://shop\uff0eexample/", "https://shop.example/"),
    "full-width letters": ("https://\uff53hop.example/", "https://shop.example/"),
    "a soft hyphen": ("https://sh\u00adop.example/", "https://shop.example/"),
    "a dot at the end of the host": ("https://shop.example./", "https://shop.example/"),
    "one label": ("https://shop/", "https://shop/"),
    "an IPv4 address": ("https://192.0.2.1/", "https://192.0.2.1/"),
    "an IPv4 address and a dot": ("https://192.0.2.1./", "https://192.0.2.1/"),
    "an IPv4 address in full-width digits": ("https://\uff11\uff19\uff12.0.2.1/", "https://192.0.2.1/"),
    "an IPv6 address": ("https://[2001:DB8::1]/", "https://[2001:db8::1]/"),
    "an IPv6 address in full": ("https://[2001:0db8:0:0:0:0:0:1]:8443/", "https://[2001:db8::1]:8443/"),
    "percent-encodings in the path": ("https://shop.example/%C3%A9/%20/", "https://shop.example/%C3%A9/%20/"),
    "percent-encodings in lower case": ("https://shop.example/%c3%a9/", "https://shop.example/%C3%A9/"),
    "three dots, which are a name": ("https://shop.example/.../", "https://shop.example/.../"),
    "a name that begins with a dot": ("https://shop.example/.shop/", "https://shop.example/.shop/"),
}

REFUSED = {
    "nothing": "",
    "a host alone": "shop.example",
    "a host and a path alone": "shop.example/shop/",
    "no scheme": "//shop.example/",
    "ftp": "ftp://shop.example/",
    "file": "file:///etc/passwd",
    "javascript": "javascript:alert(1)",
    "data": "data:text/html,x",
    "gopher": "gopher://shop.example/",
    "httpss": "httpss://shop.example/",
    "a scheme in full-width letters": "\uff48ttps://shop.example/",
    "no slashes": "https:shop.example",
    "one slash": "https:/shop.example/",
    "three slashes": "https:///shop.example/",
    "no host": "https://",
    "no host, but a port": "https://:443/",
    "a user": "https://user@shop.example/",
    "a user and a password": "https://user:word@shop.example/",
    "an empty user": "https://@shop.example/",
    "a host as user": "https://shop.example:443@evil.example/",
    "a query": "https://shop.example/?a=b",
    "an empty query": "https://shop.example/?",
    "a fragment": "https://shop.example/#a",
    "an empty fragment": "https://shop.example/#",
    "a query right after the host": "https://shop.example?a=b",
    "a backslash for a slash": "https:\\\\shop.example\\",
    "a backslash in the host": "https://shop.example\\@evil.example/",
    "a backslash in the path": "https://shop.example/a\\b/",
    "a space before": " https://shop.example/",
    "a space after": "https://shop.example/ ",
    "a space in the host": "https://shop .example/",
    "a tab in the host": "https://shop\t.example/",
    "a line feed in the scheme": "ht\ntps://shop.example/",
    "a carriage return at the end": "https://shop.example/\r",
    "a header after a line break": "https://shop.example/\r\nX-Evil: 1",
    "a NUL": "https://shop.example/\x00",
    "a DEL": "https://shop.example/\x7f",
    "a no-break space": "https://shop\u00a0.example/",
    "an ideographic space": "https://shop\u3000.example/",
    "a next-line character": "https://shop.example/\x85",
    "a line separator": "https://shop.example/\u2028",
    "a byte order mark": "\ufeffhttps://shop.example/",
    "a lone surrogate": "https://\ud800.example/",
    "a quote": 'https://shop.example/"',
    "an angle bracket": "https://shop.example/<script>",
    "letters in the path that are not encoded": "https://shop.example/\u00e9/",
    "half a percent-encoding": "https://shop.example/%2",
    "a percent-encoding that is none": "https://shop.example/%zz/",
    "a segment of one dot": "https://shop.example/./",
    "a segment of two dots": "https://shop.example/a/../b/",
    "two dots at the end": "https://shop.example/..",
    "two encoded dots": "https://shop.example/%2e%2e/",
    "two dots, half of them encoded": "https://shop.example/.%2E/a/",
    "one encoded dot": "https://shop.example/%2E",
    "two slashes": "https://shop.example//a/",
    "two slashes at the end": "https://shop.example/a//",
    "port 0": "https://shop.example:0/",
    "port 65536": "https://shop.example:65536/",
    "a port of letters": "https://shop.example:https/",
    "a port with a sign": "https://shop.example:+443/",
    "a negative port": "https://shop.example:-1/",
    "a port in Arabic digits": "https://shop.example:\u0664\u0664\u0663/",
    "a port with an underscore": "https://shop.example:4_4/",
    "two ports": "https://shop.example:443:443/",
    "a very long port": f"https://shop.example:{'9' * 100}/",
    "an address of two numbers": "https://127.1/",
    "an address of three numbers": "https://127.0.1/",
    "an address of five numbers": "https://1.2.3.4.5/",
    "an address of one number": "https://2130706433/",
    "an address in hex": "https://0x7f000001/",
    "an address with a part in hex": "https://0x7f.1/",
    "an address that ends in hex": "https://127.0.0.0x1/",
    "an empty hex number": "https://0x/",
    "an address in octal": "https://0177.0.0.1/",
    "an address with zeros before": "https://127.0.0.01/",
    "an address out of range": "https://256.256.256.256/",
    "a name that ends in a number": "https://shop.1/",
    "a name that ends in 08": "https://shop.08/",
    "an IPv6 address without brackets": "https://::1/",
    "an IPv6 address half in brackets": "https://[::1/",
    "an IPv4 address in brackets": "https://[127.0.0.1]/",
    "a name in brackets": "https://[shop.example]/",
    "a future address in brackets": "https://[v1.shop]/",
    "something after the brackets": "https://[2001:db8::1]shop.example/",
    "something before the brackets": "https://shop.example[2001:db8::1]/",
    "an address with a zone": "https://[fe80::1%eth0]/",
    "an address with an encoded zone": "https://[fe80::1%25eth0]/",
    "an address with an empty zone": "https://[2001:db8::1%]/",
    "empty brackets": "https://[]/",
    "an encoded dot in the host": "https://shop%2eexample/",
    "an encoded slash in the host": "https://shop.example%2f/",
    "an encoded NUL in the host": "https://shop.example%00.evil.example/",
    "an empty label": "https://shop..example/",
    "a dot before the host": "https://.shop.example/",
    "two dots after the host": "https://shop.example../",
    "a host of a dot": "https://./",
    "an underscore in the host": "https://my_shop.example/",
    "a hyphen before a label": "https://-shop.example/",
    "a comma in the host": "https://shop.example,evil.example/",
    "a semicolon in the host": "https://shop.example;evil.example/",
    "a full-width slash in the host": "https://shop.example\uff0fevil.example/",
    "a full-width at sign": "https://shop.example\uff20evil.example/",
    "account of, which hides a slash": "https://\u2100.example/",
    "a digit with a full stop": "https://\u2488example/",
    "a zero-width joiner alone": "https://\u200d.example/",
    "punycode that is none": "https://xn--zzzzzz.example/",
    "a label of 64 characters": f"https://{'a' * 64}.example/",
    "a name of 254 characters": f"https://{'.'.join(['a' * 49] * 5)}.long/",
    "a very long path": f"https://shop.example/{'a' * MAX_URL_LENGTH}/",
    "a megabyte": "https://shop.example/" + "a" * 1_000_000,
}


@pytest.mark.parametrize(("written", "normal"), SPELLINGS.values(), ids=list(SPELLINGS))
def test_a_store_url_has_one_normal_form(written: str, normal: str) -> None:
    assert Store.from_url(written).url == normal


@pytest.mark.parametrize("normal", sorted({normal for _, normal in SPELLINGS.values()}))
def test_a_normal_form_stays_as_it_is(normal: str) -> None:
    assert Store.from_url(normal).url == normal


@pytest.mark.parametrize("url", REFUSED.values(), ids=list(REFUSED))
def test_a_store_url_that_parsers_could_read_in_two_ways_is_refused_by_name(url: str) -> None:
    with pytest.raises(Invalid) as refused:
        Store.from_url(url, field="store_base_url")
    assert list(refused.value.fields) == ["store_base_url"]
    assert refused.value.fields["store_base_url"]
    assert refused.value.reason == "bad-input"
    assert refused.value.advice
    assert len(str(refused.value)) < 300


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("ftp://shop.example/", "https://"),
        ("https://user:word@shop.example/", "user name or password"),
        ("https://shop.example/?a=b", "without ? or #"),
        ("https://shop.example/#a", "without ? or #"),
        ("https://shop.example/../", "dots"),
        ("https://shop.example//", '"//"'),
        ("https://127.1/", "four numbers with dots"),
        ("https://shop.example:0/", "1 to 65535"),
        ("https://", "no host"),
        ("https://shop.example/ ", "a space"),
        ("https://shop.example/\u00e9", "percent-encoded"),
        ("https://shop..example/", "domain name"),
        (f"https://shop.example/{'a' * 600}", str(MAX_URL_LENGTH)),
    ],
)
def test_a_refusal_says_what_to_mend(url: str, says: str) -> None:
    with pytest.raises(Invalid) as refused:
        Store.from_url(url)
    assert says in refused.value.fields["store_url"]


def test_a_refusal_does_not_repeat_a_password() -> None:
    with pytest.raises(Invalid) as refused:
        Store.from_url("https://user:password123@shop.example/")
    assert "password123" not in f"{refused.value!r} {refused.value} {refused.value.fields}"


def test_a_store_is_named_by_its_host() -> None:
    assert str(Store.from_url("https://Shop.example:8443/shop/")) == "shop.example"


@pytest.mark.parametrize(
    ("url", "host", "port"),
    [
        ("https://shop.example/", "shop.example", 443),
        ("http://shop.example/", "shop.example", 80),
        ("https://shop.example:8443/", "shop.example", 8443),
        ("https://[2001:db8::1]:8443/", "2001:db8::1", 8443),
        ("https://192.0.2.1/", "192.0.2.1", 443),
    ],
)
def test_a_store_knows_its_host_and_port(url: str, host: str, port: int) -> None:
    store = Store.from_url(url)
    assert (store.host, store.port) == (host, port)


@pytest.mark.parametrize(
    "url",
    [
        f"https://shop.example/{'a' * (MAX_URL_LENGTH - len('https://shop.example/'))}",
        f"https://b\u00fccher.example/{'a' * (MAX_URL_LENGTH - len('https://b.cher.example//'))}/",
    ],
    ids=["a slash is added", "the host grows"],
)
def test_a_store_url_at_the_limit_can_be_read_again_once_it_is_normal(url: str) -> None:
    try:
        normal = Store.from_url(url).url
    except Invalid:
        return  # too long in its normal form: as good
    assert Store.from_url(normal).url == normal


class TestAConnectionId:
    def test_begins_with_the_host_to_be_read(self) -> None:
        assert Store.from_url("https://shop.example/").connection_id.startswith("shop.example-")

    @pytest.mark.parametrize(
        "other",
        [
            "HTTPS://SHOP.EXAMPLE:443/shop",
            "https://shop.example./shop/",
            "https://shop\u3002example/shop",
        ],
    )
    def test_is_the_same_for_every_spelling_of_a_store(self, other: str) -> None:
        store = Store.from_url("https://shop.example/shop/")
        assert Store.from_url(other) == store
        assert Store.from_url(other).connection_id == store.connection_id

    def test_differs_between_stores_of_one_host(self) -> None:
        urls = [
            "https://shop.example/",
            "http://shop.example/",
            "https://shop.example:8443/",
            "https://shop.example/a/",
            "https://shop.example/A/",
            "https://shop.example/a/index.php/",
        ]
        assert len({Store.from_url(url).connection_id for url in urls}) == len(urls)

    def test_does_not_change_from_release_to_release(self) -> None:
        # It names secrets and rows that are kept; another id would lose every connection.
        assert Store.from_url("https://shop.example/").connection_id == "shop.example-0ebceea5fcc8e4fb"
        assert Store.from_url("https://[2001:db8::1]/").connection_id == "2001-db8--1-a29c5e99701feded"
