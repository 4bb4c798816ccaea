"""Secrets: found by name, taken out of what is written, looked for before anything is published."""

import base64
import json
import os
from html import escape
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantbench.config.secrets import (
    HIDDEN,
    leaks,
    redacted,
    revealed_in,
    secret,
    secret_named,
    secret_names,
    secret_values,
)
from quantbench.core.errors import RunError


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    for name in [name for name in os.environ if name.endswith(("TOKEN", "KEY", "SECRET", "PASSWORD"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("QUANTBENCH_HOME", str(tmp_path))
    return tmp_path


def test_a_variable_with_a_telling_name_is_a_secret_without_being_named(monkeypatch):
    for name in ("BROKER_TOKEN", "Db_Password", "FEED_API_KEY", "SECRET"):
        monkeypatch.setenv(name, f"value-of-{name}")
    for name in ("TOKENS_SEEN", "KEYBOARD", "MONKEY", "PASSWORDLESS"):
        monkeypatch.setenv(name, "no secret")
    assert set(secret_values()) == {"BROKER_TOKEN", "Db_Password", "FEED_API_KEY", "SECRET"}


def test_what_a_text_reveals_is_found_also_inside_of_the_json_of_a_notebook():
    cells = ["key = qb.secret('ONE')", '__import__("quantbench").secret( "TWO" )', "my_secret = 1", "secret(name)"]
    for text in ("\n".join(cells), json.dumps(cells)):
        assert revealed_in(text) == ("ONE", "TWO")


def test_the_environment_comes_before_the_file(home, monkeypatch):
    (home / ".env").write_text("# keys\nFEED_KEY='of-the-file'\nexport OTHER=value-2\nempty=\n")
    assert (secret("FEED_KEY"), secret("OTHER")) == ("of-the-file", "value-2")
    monkeypatch.setenv("FEED_KEY", "of-the-environment")
    assert secret("FEED_KEY") == "of-the-environment"
    assert secret_values(["FEED_KEY", "NOT_SET"]) == {"FEED_KEY": "of-the-environment", "OTHER": "value-2"}


def test_a_missing_secret_is_named_without_any_value(home):
    (home / ".env").write_text("FEED_KEY=hush-hush\n")
    with pytest.raises(RunError, match=r"no secret 'FEED_KAY'.*did you mean FEED_KEY") as fault:
        secret("FEED_KAY")
    assert "hush" not in str(fault.value)


def test_only_a_name_is_a_reference():
    assert secret_named({"secret": "A"}) == "A"
    assert secret_named("A") is secret_named({"secret": "A", "b": 1}) is None
    with pytest.raises(RunError, match="this is no name") as fault:
        secret_named({"secret": "p@ss word"})
    assert "p@ss" not in str(fault.value)
    assert secret_names({"a": {"secret": "A"}, "b": 1, "c": {"secret": "A"}}) == ("A",)


@given(st.text(min_size=6, max_size=30).filter(lambda text: "*" not in text and text.strip() == text))
def test_a_secret_is_hidden_in_every_form_in_which_it_leaks(value):
    raw = value.encode()
    forms = [
        value,
        quote(value, safe=""),
        json.dumps(value)[1:-1],
        repr(value)[1:-1],
        raw.hex(),
        base64.b64encode(raw).decode(),
        escape(value),
        json.dumps(value)[1:-1].replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026"),
    ]
    for form in forms:
        found = redacted(f"\ue000 {form} \ue001", [value])
        assert form not in found
        assert HIDDEN in found
        assert leaks(f"\ue000 {form}", {"KEY": value})[0] == "line 1 holds the secret KEY" or "\n" in form


def test_what_is_too_short_is_left():
    assert redacted("a fast run", ["fast"]) == "a fast run"


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("AKIA" + "ABCDEFGHIJKLMNOP", "a key of AWS"),
        ("ghp_" + "a1B2" * 9, "a token of GitHub"),
        ("xoxb-" + "1234567890-abc", "a token of Slack"),
        ("eyJhbGciOiJIUzI1NiJ9." + "eyJzdWIiOiIxMjM0In0." + "abcdefghijkl", "a JSON web token"),
        ("-----BEGIN RSA " + "PRIVATE KEY-----", "a private key"),
        ("mysql://me:" + "pa55word@host/db", "a password in an address"),
        ("password" + " = 'hunter22'", "a password"),
        ('"api_key": ' + '"0123456789"', "a password"),
    ],
)
def test_what_has_the_shape_of_a_secret_is_found_with_its_line(text, what):
    assert leaks(f"fine\n{text}") == (f"line 2 holds {what}",)


@pytest.mark.parametrize(
    "text", ["https://example.org/a:b@c", "postgres://me:***@host/db", "password = '***'", "key = 5", "sha 0a1b2c" * 9]
)
def test_what_is_no_secret_is_let_through(text):
    assert leaks(text) == ()
