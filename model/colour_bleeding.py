"""Colour that leaks from one channel into the others, as generated and compressed videos have it."""

import numpy as np

# Less than this share is not worth undoing, and more is no bleeding.
LEAST, MOST = 0.01, 0.5
# Bleeding must explain so much of what a channel shows away from its own blob; a ghost is not explained by it.
LEAST_EXPLAINED = 0.3


def unmixing(channels: np.ndarray, away: np.ndarray) -> np.ndarray:
    """Matrices (V, 3, 3) that take seen colours to drawn ones, one per view; the identity where nothing bleeds.

    `channels` (V, T, 3, n) are the pixels less their channel's background; `away` (V, T, 3, n) bool says which pixels
    are away from a channel's own blob. There a channel shows only what leaks into it, so that least squares on the two
    others over the whole video gives the leaking shares.
    """
    V = len(channels)
    mixing = np.tile(np.eye(3), (V, 1, 1))
    for own in range(3):
        others = [channel for channel in range(3) if channel != own]
        pixels = np.where(away[:, :, own : own + 1], channels, np.float32(0.0)).swapaxes(1, 2).reshape(V, 3, -1)
        products = (pixels @ pixels.swapaxes(1, 2)).astype(float)
        gram = products[:, others][:, :, others] + 1e-6 * np.eye(2)
        leaked = products[:, others, own]
        share = np.linalg.solve(gram, leaked[..., None])[..., 0]
        explained = np.sum(share * leaked, axis=1) > LEAST_EXPLAINED * products[:, own, own]
        share = np.where(explained[:, None] & (share > LEAST) & (share < MOST), share, 0.0)
        mixing[:, own, others] = share
    return np.linalg.inv(mixing)
