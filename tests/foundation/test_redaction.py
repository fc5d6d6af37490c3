"""What must not leave the computer: credentials in every dress, names, instructions, the person's own folders."""

import string

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from foundation import redaction
from foundation.redaction import keep_out, redacted

# No line breaks: an address has none, and what stands in the log line by line is looked at line by line.
PASSWORD = st.text(st.sampled_from(string.ascii_letters + string.digits + "@/:#?!$%&+-_. äß"), min_size=6, max_size=30)


@pytest.fixture(autouse=True)
def nobody_known(monkeypatch):
    monkeypatch.setattr(redaction, "_kept_out", {})
    monkeypatch.setattr(redaction, "_secrets", set())


@given(PASSWORD)
@example("p@ss/w:rd")
@example("with blank")
def test_a_password_in_an_address_is_never_there(password):
    assume(password not in "rtsp://(secret)@camera.example/stream is gone")
    for scheme in ("rtsp", "https", "postgresql+psycopg"):
        said = redacted(f"{scheme}://operator:{password}@camera.example/stream is gone")
        assert password not in said and "operator" not in said
        assert said.startswith(f"{scheme}://") and said.endswith("@camera.example/stream is gone")


@pytest.mark.parametrize(
    "text",
    [
        "Authorization: Bearer S3CRETS3CRET",
        "http://camera/video?user=a&pwd=S3CRETS3CRET",
        "host=db password=S3CRETS3CRET dbname=library",
        "{'password': 'S3CRETS3CRET'}",
        '{"api_key": "S3CRETS3CRET with more"}',
        "--hf-token S3CRETS3CRET",
        "HF_TOKEN=S3CRETS3CRET",
        "401 for hf_S3CRETS3CRET",
        "sk-S3CRETS3CRET was refused",
        "eyJS3CRETS3CRET.eyJS3CRETS3CRET",
    ],
)
def test_keys_and_passwords_are_known_by_their_form(text):
    assert "S3CRET" not in redacted(text)


def test_secrets_of_the_environment_are_taken_out_wherever_they_stand(monkeypatch):
    monkeypatch.setenv("CAMERA_PASSWORD", "very plain words")
    monkeypatch.setenv("NO_MATTER", "harmless")
    assert redacted("x very plain words y harmless") == "x (secret) y harmless"
    monkeypatch.delenv("CAMERA_PASSWORD")  # a person's settings may still be in use
    assert redacted("x very plain words y harmless") == "x (secret) y harmless"


def test_names_and_instructions_leave_their_length():
    keep_out("Anna Berg", "give Mr Smith the cup", "x", "")
    assert redacted("ANNA  berg: 'Give Mr Smith\nthe cup' x") == "(10 characters): '(21 characters)' x"
    assert redacted("Annabella Berg") == "Annabella Berg"


def test_the_oldest_of_very_many_texts_are_forgotten():
    keep_out("the first of all", *(f"number {n} of many" for n in range(redaction._MOST)))
    assert "first" in redacted("the first of all") and "many" not in redacted("number 7 of many")


def test_the_person_s_own_folders_are_not_named(monkeypatch):
    monkeypatch.setenv("HOME", "/home/grace")
    monkeypatch.setattr(redaction, "_user", lambda: "grace")
    said = redacted("/home/grace/x /media/grace/disk /home/gracey /dev/grace")
    assert said == "~/x /media/~/disk /home/gracey /dev/grace"


def test_what_is_harmless_stays():
    said = (
        "arm: holding -> stopped (mode 1, state 4, error 0, warning 0): The arm was stopped from outside the program."
    )
    assert redacted(said) == said
    assert (
        redacted("rtsp://192.168.1.20/stream, 30 pictures a second")
        == "rtsp://192.168.1.20/stream, 30 pictures a second"
    )
