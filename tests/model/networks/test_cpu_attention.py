"""Attention by explicit formula equals the attention it replaces."""

import pytest
import torch
from torch.nn.functional import scaled_dot_product_attention

from model.networks.cpu_attention import PlainAttention


@pytest.mark.parametrize("autocast", [False, True])
def test_the_formula_and_its_gradient_agree_with_pytorchs_within_bfloat16(autocast):
    torch.manual_seed(0)
    dtype = torch.float32 if autocast else torch.bfloat16
    answers = []
    inputs = [torch.randn(2, 3, n, 16, dtype=dtype) for n in (20, 30, 30)]
    exact = scaled_dot_product_attention(*(x.double() for x in inputs))
    for context in (torch.no_grad(), PlainAttention()):
        q, k, v = (x.clone().requires_grad_() for x in inputs)
        with torch.autocast("cpu", torch.bfloat16, enabled=autocast), context, torch.enable_grad():
            out = scaled_dot_product_attention(q, k, v)
        out.float().square().sum().backward()
        answers.append((out, q.grad, k.grad, v.grad))
        assert out.dtype == torch.bfloat16
        assert (out.double() - exact).abs().max() < 0.03
    for one, other in zip(*answers, strict=True):
        assert torch.allclose(one.float(), other.float(), atol=0.05, rtol=0.05)


@pytest.mark.parametrize(
    "how", [{"is_causal": True}, {"attn_mask": torch.zeros(20, 20, dtype=torch.bool).fill_diagonal_(True)}]
)
def test_masks_are_left_to_pytorch(how):
    torch.manual_seed(0)
    q, k, v = (torch.randn(1, 2, 20, 16, dtype=torch.bfloat16) for _ in range(3))
    expected = scaled_dot_product_attention(q, k, v, **how)
    with PlainAttention():
        assert torch.equal(scaled_dot_product_attention(q, k, v, **how), expected)


def test_float32_is_left_to_pytorch():
    q = torch.randn(1, 2, 20, 16)
    with PlainAttention():
        assert scaled_dot_product_attention(q, q, q).dtype == torch.float32
