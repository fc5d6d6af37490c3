"""Independent implementation of the published networks, from their description, as plain functions over named tensors.

Slow and short: for comparison only. Shapes: B samples, C channels, F frames, h and w height and width.
"""

import math

import torch
from torch.nn.functional import conv2d, conv3d, gelu, layer_norm, linear, normalize, pad, silu, softmax

Tensors = dict[str, torch.Tensor]


def layer(W: Tensors, name: str, x: torch.Tensor) -> torch.Tensor:
    return linear(x, W[f"{name}.weight"], W.get(f"{name}.bias"))


# The diffusion transformer


def transformer(W: Tensors, heads: int, pool, x, timestep, text, camera=None, image=None) -> torch.Tensor:
    """Predict velocity (B, C, F, h, w) of latents x at `timestep` (B,), text (B, n, k) and rays (B, F, 2C, h, w)."""
    B, _, F, h, w = x.shape
    d = W["patch_embedding.bias"].numel()
    tokens = conv3d(x, W["patch_embedding.weight"], W["patch_embedding.bias"], stride=(1, 2, 2))
    tokens = tokens.flatten(2).transpose(1, 2)
    half = W["time_embedding.0.weight"].shape[1] // 2
    angle = timestep[:, None] * 10000.0 ** (-torch.arange(half) / half)
    e = layer(W, "time_embedding.2", silu(layer(W, "time_embedding.0", torch.cat([angle.cos(), angle.sin()], dim=1))))
    e6 = layer(W, "time_projection.1", silu(e)).reshape(B, 6, d)
    text = layer(W, "text_embedding.2", gelu(layer(W, "text_embedding.0", text), approximate="tanh"))
    if image is not None:
        image = layer_norm(image, image.shape[-1:], W["img_emb.proj.0.weight"], W["img_emb.proj.0.bias"])
        image = layer(W, "img_emb.proj.3", gelu(layer(W, "img_emb.proj.1", image)))
        image = layer_norm(image, (d,), W["img_emb.proj.4.weight"], W["img_emb.proj.4.bias"])
    turn = rotations(d // heads, F, h // 2, w // 2)
    for i in range(sum(name.endswith("self_attn.q.weight") for name in W)):
        tokens = block(W, f"blocks.{i}", heads, pool, tokens, e6, text, image, camera, turn)
    shift, scale = (W["head.modulation"] + e[:, None]).unbind(1)
    y = layer(W, "head.head", layer_norm(tokens, (d,), eps=1e-6) * (1 + scale[:, None]) + shift[:, None])
    y = y.reshape(B, F, h // 2, w // 2, 2, 2, -1)  # the two inside a patch, then channels
    return torch.einsum("bfyxpqc->bcfypxq", y).reshape(B, -1, F, h, w)


def block(W, name, heads, pool, x, e6, text, image, camera, turn):
    d = x.shape[-1]
    shift, scale, gate, shift_f, scale_f, gate_f = (W[f"{name}.modulation"] + e6)[:, :, None].unbind(1)
    seen = layer_norm(x, (d,), eps=1e-6) * (1 + scale) + shift
    if camera is not None and pool is not None:
        rays = layer(W, f"{name}.cam_encoder.2", pooled(camera, pool))  # (B, F, d)
        seen = seen + rays.repeat_interleave(x.shape[1] // rays.shape[1], dim=1)
    attended = attention(W, f"{name}.self_attn", heads, seen, seen, turn)
    if pool is not None:
        attended = layer(W, f"{name}.projector", attended)
    x = x + gate * attended
    asked = layer_norm(x, (d,), W[f"{name}.norm3.weight"], W[f"{name}.norm3.bias"], eps=1e-6)
    x = x + attention(W, f"{name}.cross_attn", heads, asked, text, image=image)
    seen = layer_norm(x, (d,), eps=1e-6) * (1 + scale_f) + shift_f
    return x + gate_f * layer(W, f"{name}.ffn.2", gelu(layer(W, f"{name}.ffn.0", seen), approximate="tanh"))


def pooled(camera: torch.Tensor, pool: tuple[int, int, int]) -> torch.Tensor:
    """Average equal boxes of channels, rows and columns of each frame, flattened: (B, F, product of pool)."""
    B, F, K, h, w = camera.shape
    boxes = camera.reshape(B, F, pool[0], K // pool[0], pool[1], h // pool[1], pool[2], w // pool[2])
    return boxes.mean(dim=(3, 5, 7)).flatten(2)


def attention(W, name, heads, x, context, turn=None, image=None):
    q = rms(layer(W, f"{name}.q", x), W[f"{name}.norm_q.weight"])
    k = rms(layer(W, f"{name}.k", context), W[f"{name}.norm_k.weight"])
    v = layer(W, f"{name}.v", context)
    q, k, v = (t.unflatten(2, (heads, -1)).transpose(1, 2) for t in (q, k, v))
    if turn is not None:
        q, k = (rotated(t, turn) for t in (q, k))
    y = softmax(q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1]), dim=-1) @ v
    if image is not None:
        k = rms(layer(W, f"{name}.k_img", image), W[f"{name}.norm_k_img.weight"])
        v = layer(W, f"{name}.v_img", image)
        k, v = (t.unflatten(2, (heads, -1)).transpose(1, 2) for t in (k, v))
        y = y + softmax(q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1]), dim=-1) @ v
    return layer(W, f"{name}.o", y.transpose(1, 2).flatten(2))


def rms(x: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-6) * weight


def rotations(head: int, F: int, h: int, w: int) -> torch.Tensor:
    """Return unit complex numbers (F h w, head / 2): time, rows and columns have their own share of each head."""
    across = 2 * (head // 6)
    shares = (head - 2 * across, across, across)
    grid = torch.meshgrid(torch.arange(F), torch.arange(h), torch.arange(w), indexing="ij")
    angles = [
        place.reshape(-1, 1) * 10000.0 ** (-torch.arange(0, share, 2, dtype=torch.float64) / share)
        for place, share in zip(grid, shares, strict=True)
    ]
    angle = torch.cat(angles, dim=1)
    return torch.polar(torch.ones_like(angle), angle)


def rotated(x: torch.Tensor, turn: torch.Tensor) -> torch.Tensor:
    pairs = torch.view_as_complex(x.double().unflatten(-1, (-1, 2)))
    return torch.view_as_real(pairs * turn).flatten(-2).float()


# Wan 2.2's autoencoder, for one single frame (where temporal convolutions see only their own frame)


def encode_image(W: Tensors, image: torch.Tensor) -> torch.Tensor:
    """Encode an image (B, 3, 1, h, w) to the posterior's mean (B, z, 1, h / 16, w / 16)."""
    B, C, T, h, w = image.shape
    x = image.reshape(B, C, T, h // 2, 2, w // 2, 2).permute(0, 1, 6, 4, 2, 3, 5).reshape(B, 4 * C, T, h // 2, w // 2)
    x = causal(W, "encoder.conv1", x)
    for i in range(4):
        kept, stage = x, f"encoder.downsamples.{i}.downsamples"
        for j in range(2):
            x = residual(W, f"{stage}.{j}", x)
        if i < 3:
            x = conv2d(pad(x[:, :, 0], (0, 1, 0, 1)), *both(W, f"{stage}.2.resample.1"), stride=2)[:, :, None]
        x = x + averaged_down(kept, x.shape[1], 2 if i in (1, 2) else 1, 2 if i < 3 else 1)
    x = head(W, "encoder", middle(W, "encoder.middle", x))
    return causal(W, "conv1", x).chunk(2, dim=1)[0]


def decode_image(W: Tensors, z: torch.Tensor) -> torch.Tensor:
    """Decode a latent (B, z, 1, h, w) to an image (B, 3, 1, 16 h, 16 w)."""
    x = middle(W, "decoder.middle", causal(W, "decoder.conv1", causal(W, "conv2", z)))
    for i in range(4):
        kept, stage = x, f"decoder.upsamples.{i}.upsamples"
        for j in range(3):
            x = residual(W, f"{stage}.{j}", x)
        if i < 3:
            x = x[:, :, 0].repeat_interleave(2, -1).repeat_interleave(2, -2)
            x = conv2d(x, *both(W, f"{stage}.3.resample.1"), padding=1)[:, :, None]
            x = x + doubled_up(kept, x.shape[1], 2 if i in (0, 1) else 1)
    x = head(W, "decoder", x)
    B, C, T, h, w = x.shape
    return x.reshape(B, C // 4, 2, 2, T, h, w).permute(0, 1, 4, 5, 3, 6, 2).reshape(B, C // 4, T, 2 * h, 2 * w)


def both(W: Tensors, name: str):
    return W[f"{name}.weight"], W[f"{name}.bias"]


def causal(W: Tensors, name: str, x: torch.Tensor) -> torch.Tensor:
    """Apply a convolution that is causal in time."""
    weight, bias = both(W, name)
    t, h, w = (size - 1 for size in weight.shape[2:])
    return conv3d(pad(x, (w // 2, w // 2, h // 2, h // 2, t, 0)), weight, bias)


def normed(x: torch.Tensor, gamma: torch.Tensor) -> torch.Tensor:
    return normalize(x, dim=1) * x.shape[1] ** 0.5 * gamma


def residual(W: Tensors, name: str, x: torch.Tensor) -> torch.Tensor:
    y = causal(W, f"{name}.residual.2", silu(normed(x, W[f"{name}.residual.0.gamma"])))
    y = causal(W, f"{name}.residual.6", silu(normed(y, W[f"{name}.residual.3.gamma"])))
    return y + (causal(W, f"{name}.shortcut", x) if f"{name}.shortcut.weight" in W else x)


def middle(W: Tensors, name: str, x: torch.Tensor) -> torch.Tensor:
    x = residual(W, f"{name}.0", x)
    flat = x[:, :, 0]
    q, k, v = conv2d(normed(flat, W[f"{name}.1.norm.gamma"]), *both(W, f"{name}.1.to_qkv")).flatten(2).chunk(3, dim=1)
    y = v @ softmax(q.transpose(1, 2) @ k / q.shape[1] ** 0.5, dim=-1).transpose(1, 2)
    flat = flat + conv2d(y.reshape(flat.shape), *both(W, f"{name}.1.proj"))
    return residual(W, f"{name}.2", flat[:, :, None])


def head(W: Tensors, side: str, x: torch.Tensor) -> torch.Tensor:
    return causal(W, f"{side}.head.2", silu(normed(x, W[f"{side}.head.0.gamma"])))


def averaged_down(x: torch.Tensor, channels: int, t: int, s: int) -> torch.Tensor:
    """Downsample for a stage's shortcut: boxes of t frames and s x s cells become channels, averaged in groups."""
    x = pad(x, (0, 0, 0, 0, (t - x.shape[2] % t) % t, 0))
    B, C, T, h, w = x.shape
    x = x.reshape(B, C, T // t, t, h // s, s, w // s, s).permute(0, 1, 3, 5, 7, 2, 4, 6)
    return x.reshape(B, channels, -1, T // t, h // s, w // s).mean(dim=2)


def doubled_up(x: torch.Tensor, channels: int, t: int) -> torch.Tensor:
    """Upsample the shortcut: repeat channels, spread over t frames and 2 x 2 cells; of the first frame's, the last."""
    B, C, T, h, w = x.shape
    x = x.repeat_interleave(channels * t * 4 // C, dim=1).reshape(B, channels, t, 2, 2, T, h, w)
    x = x.permute(0, 1, 5, 2, 6, 3, 7, 4).reshape(B, channels, T * t, 2 * h, 2 * w)
    return x[:, :, t - 1 :]


# UMT5's encoder


def text_encoder(W: Tensors, heads: int, tokens: torch.Tensor) -> torch.Tensor:
    """Return features (B, n, width) of token numbers (B, n)."""
    x = W["token_embedding.weight"][tokens]
    n = x.shape[1]
    for i in range(sum(name.endswith("attn.q.weight") for name in W)):
        y = rms(x, W[f"blocks.{i}.norm1.weight"])
        q, k, v = (layer(W, f"blocks.{i}.attn.{p}", y).unflatten(2, (heads, -1)).transpose(1, 2) for p in "qkv")
        bias = W[f"blocks.{i}.pos_embedding.embedding.weight"][distances(n)].permute(2, 0, 1)
        y = (softmax(q @ k.transpose(-1, -2) + bias, dim=-1) @ v).transpose(1, 2).flatten(2)
        x = x + layer(W, f"blocks.{i}.attn.o", y)
        y = rms(x, W[f"blocks.{i}.norm2.weight"])
        gate = gelu(layer(W, f"blocks.{i}.ffn.gate.0", y), approximate="tanh")
        x = x + layer(W, f"blocks.{i}.ffn.fc2", layer(W, f"blocks.{i}.ffn.fc1", y) * gate)
    return rms(x, W["norm.weight"])


def distances(n: int) -> torch.Tensor:
    """Return T5's 32 relative-position buckets (n, n): 16 each way, the first 8 exact, then logarithmic up to 128."""
    difference = torch.arange(n)[None] - torch.arange(n)[:, None]  # key minus query
    far = difference.abs()
    rough = 8 + (torch.log(far.clamp(min=1) / 8) / math.log(128 / 8) * 8).long()
    return torch.where(difference > 0, 16, 0) + torch.where(far < 8, far, rough.clamp(max=15))
