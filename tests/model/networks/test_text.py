"""Instructions: cleaned as in training, embedded with zeros after their end, refused when invalid."""

import pytest
import torch

from model.errors import ModelError
from model.networks.text_encoding import byte_encoder, byte_tokenizer, checked, cleaned, encode_text


@pytest.fixture(scope="module")
def encoder():
    torch.manual_seed(0)
    return byte_encoder().eval()


@pytest.mark.parametrize(
    ("typed", "clean"),
    [
        ("Pick_up the red cube.", "Pick up the red cube"),
        ("  push \n it  left ", "push it left"),
        ("greife den gr&uuml;nen W&#252;rfel", "greife den grünen Würfel"),
    ],
)
def test_cleaning(typed, clean):
    assert cleaned(typed) == clean
    assert cleaned(clean) == clean


def test_padding_says_nothing(encoder):
    texts = ["push", "pick up the red cube"]
    with torch.no_grad():
        together = encode_text(byte_tokenizer(), encoder, texts, 40)
        alone = encode_text(byte_tokenizer(), encoder, texts[:1], 40)
    assert together.shape == (2, 40, 192)
    torch.testing.assert_close(together[:1], alone, atol=1e-5, rtol=1e-5)
    assert together[0, 5:].abs().max() == 0 and together[0, :5].abs().min(dim=1).values.max() > 0  # 4 bytes, end mark
    assert together[1, 21:].abs().max() == 0
    empty = encode_text(byte_tokenizer(), encoder, [""], 40)
    assert empty[0, 1:].abs().max() == 0  # the end mark alone: guidance compares with it


def test_it_can_be_trained(encoder):
    encode_text(byte_tokenizer(), encoder, ["push"], 16).square().sum().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in encoder.parameters())
    encoder.zero_grad()


def test_refusals():
    tokenizer = byte_tokenizer()
    assert checked("pick up the cube", tokenizer, 64) == "pick up the cube"
    assert len("x" * 63) == len(checked("x" * 63, tokenizer, 64))  # 63 bytes and the end mark
    for text, said in (("", "empty"), (" ._. ", "empty"), ("x" * 64, "at most 64"), ("x" * 5000, "5000 characters")):
        with pytest.raises(ModelError, match=said):
            checked(text, tokenizer, 64)
