import time

import pytest
from editions_made import site as key_of
from hypothesis import given
from hypothesis import strategies as st

from matching.normalise.host import LIMIT, host_and_rest
from matching.refusal import Refusal


def code_of(value: str) -> str:
    with pytest.raises(Refusal) as caught:
        key_of(value)
    assert caught.value.__context__ is None
    return caught.value.code


@pytest.mark.parametrize(
    "value",
    [
        "acme.co.uk",
        "https://www.acme.co.uk/about?x=1#y",
        "HTTP://Shop.ACME.co.uk.",
        "acme.co.uk:8080",
        "https://user:pass@acme.co.uk:443/",
        "sales@acme.co.uk",
        "mailto:sales@acme.co.uk",
        "http:/acme.co.uk",
        "http//acme.co.uk",
        "http://http://acme.co.uk",
        "//acme.co.uk/x",
        "acme.co.uk?x",
        "acme.co.uk#x",
        "acme.co.uk\\x",
        "my_shop.acme.co.uk",
        "\uff21\uff43me.co.uk",  # full-width letters
        "acme\u3002co\u3002uk",  # ideographic full stops
        "  acme.co.uk\t",
    ],
)
def test_every_way_to_write_a_website_gives_its_registrable_domain(value: str) -> None:
    assert key_of(value) == "acme.co.uk"


@pytest.mark.parametrize(
    ("value", "key"),
    [
        ("b\u00fccher.de", "xn--bcher-kva.de"),
        ("www.XN--BCHER-KVA.de", "xn--bcher-kva.de"),
        ("stra\u00dfe.de", "xn--strae-oqa.de"),
        ("\u30c8\u30e8\u30bf\u81ea\u52d5\u8eca.jp", "xn--5ckr0hz29m3g1ccfq.jp"),  # Katakana with Han
        ("\u044f\u043d\u0434\u0435\u043a\u0441.\u0440\u0444", "xn--d1acpjx3f.xn--p1ai"),  # all Cyrillic
        ("\u043f\u0440\u0438\u043c\u0435\u0440.com", "xn--e1afmkfd.com"),  # a Cyrillic word
        ("1.2.3.4.com", "4.com"),
        ("006.xn--p1acf", "006.xn--p1acf"),  # the top-level domain is all look-alikes itself
    ],
)
def test_internationalised_names_become_a_labels(value: str, key: str) -> None:
    assert key_of(value) == key


@pytest.mark.parametrize(
    "value",
    [
        "\u0430pple.com",  # Cyrillic a
        "xn--pple-43d.com",  # the same as an A-label
        "shop.g\u03bf\u03bfgle.com",  # Greek omicrons
        "\u0430\u0440\u0440\u04cf\u0435.com",  # Cyrillic only, reads "apple"
        "www.xn--80ak6aa92e.com",  # the same as an A-label
    ],
)
def test_homographs_are_refused(value: str) -> None:
    assert code_of(value) == "domain_mixed_scripts"


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("192.168.1.1", "domain_ip_address"),
        ("http://10.0.0.1:80/x", "domain_ip_address"),
        ("http://[2001:db8::1]/", "domain_ip_address"),
        ("0x7f.1", "domain_ip_address"),
        ("localhost", "domain_single_label"),
        ("n/a", "domain_single_label"),
        ("co.uk", "domain_no_suffix"),
        ("intranet.local", "domain_no_suffix"),
        ("acme_x.com", "domain_invalid"),
        ("-acme.com", "domain_invalid"),
        ("acme.com, acme.de", "domain_invalid"),
        ("javascript:alert(1)", "domain_invalid"),
        ("file:///etc/passwd", "domain_single_label"),
        ("https://", "domain_invalid"),
        ("xn--zzzzzzz99999.com", "domain_invalid"),
        ("a" * 64 + ".com", "domain_invalid"),
        ("a." * 140 + "com", "domain_invalid"),
        ('=HYPERLINK("http://acme.com")', "cell_formula"),
        ("#N/A", "cell_error"),
        ("acme.com\x00", "cell_control_characters"),
        ("acme.com/\x1b[2J", "cell_control_characters"),
        ("\u202emoc.acme", "cell_control_characters"),
        ("\ud800.com", "cell_control_characters"),
        ("https://acme.com/" + "x" * 2_048, "cell_too_long"),
    ],
)
def test_what_is_present_and_wrong_is_refused(value: str, code: str) -> None:
    assert code_of(value) == code


@pytest.mark.parametrize(
    ("value", "host", "rest"),
    [
        ("", "", ""),
        ("   ", "", ""),
        ("acme.com", "acme.com", ""),
        ("https://www.acme.com/about/us", "www.acme.com", "about/us"),
        ("acme.com/", "acme.com", ""),
        ("ACME.com:443/x?y", "acme.com", "x?y"),
        ("acme.com?y", "acme.com", "y"),
        ("https://user:pass@acme.com/x", "acme.com", "x"),
        ("sales@acme.com", "acme.com", "@"),
        ("acme.com.", "acme.com", ""),
    ],
)
def test_what_follows_the_host_is_told_apart(value: str, host: str, rest: str) -> None:
    assert host_and_rest(value) == (host, rest)


def test_a_cell_of_ten_megabytes_is_refused_at_once() -> None:
    started = time.perf_counter()
    for filling in ("a", " ", ".", "a.", "http://", "\u0430."):
        with pytest.raises(Refusal, match="longer than"):
            key_of(filling * (10_000_000 // len(filling)))
    assert time.perf_counter() - started < 0.6  # six cells, each below a tenth of a second


@pytest.mark.parametrize("filling", ["a-", "a.", "http:", "@", ":", "xn--", "\u0430\u0301", "1."])
def test_no_cell_within_the_limit_takes_long(filling: str) -> None:
    started = time.perf_counter()
    with pytest.raises(Refusal):
        key_of(filling * (LIMIT // len(filling)))
    assert time.perf_counter() - started < 0.5


@given(
    host=st.from_regex(r"([a-z0-9]{1,8}(-[a-z0-9]{1,5})?\.){1,3}(com|de|co\.uk)", fullmatch=True),
    with_scheme=st.booleans(),
)
def test_the_fast_path_and_the_slow_path_agree(*, host: str, with_scheme: bool) -> None:
    fast = ("https://" if with_scheme else "") + host
    slow = fast.upper() + ":443/"  # neither upper case nor a port is for the fast path
    try:
        key = key_of(fast)
    except Refusal as refusal:
        assert code_of(slow) == refusal.code  # noqa: PT017 - both paths refuse, and alike
    else:
        assert key_of(slow) == key


@given(st.text(max_size=60))
def test_any_text_gives_a_domain_that_is_its_own_key_or_a_refusal(value: str) -> None:
    try:
        key = key_of(value)
    except Refusal as refusal:
        assert refusal.__context__ is None  # noqa: PT017 - both outcomes are right
    else:
        assert key == "" or key_of(key) == key
