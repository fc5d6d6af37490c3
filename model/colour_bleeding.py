"""Colour that leaks from one channel into the others, as generated and compressed videos have it."""

import numpy as np

# Less than this share is not worth undoing, and more is no bleeding.
LEAST, MOST = 0.01, 0.5
# Bleeding must explain so much of what a channel shows away from its own blob; a ghost is not explained by it.
LEAST_EXPLAINED = 0.5


def unmixing(channels: np.ndarray, tails: np.ndarray, away: np.ndarray) -> np.ndarray | None:
    """Matrices (V, 3, 3) that take seen colours to drawn ones, one per view; None when nothing bleeds.

    `channels` (V, T, 3, n) are the pixels less their channel's background, `tails` (V, T, 3, n) what each channel's own
    blob adds to them, `away` (V, T, 3, n) bool which pixels are away from that blob. There a channel shows, besides the
    tails, what leaks into it from the two others: least squares over the whole video gives the shares.
    """
    V = len(channels)
    mixing = np.tile(np.eye(3), (V, 1, 1))
    for own in range(3):
        others = [channel for channel in range(3) if channel != own]
        there = away[:, :, own].reshape(V, -1)
        leaked = np.where(there, (channels[:, :, own] - tails[:, :, own]).reshape(V, -1), np.float32(0.0))
        sources = channels[:, :, others].swapaxes(1, 2).reshape(V, 2, -1)
        gram = ((sources * there[:, None]) @ sources.swapaxes(1, 2)).astype(float) + 1e-6 * np.eye(2)
        product = (sources @ leaked[..., None])[..., 0].astype(float)
        share = np.linalg.solve(gram, product[..., None])[..., 0]
        explained = np.sum(share * product, axis=1) > LEAST_EXPLAINED * np.sum(leaked**2, axis=1)
        mixing[:, own, others] = np.where(explained[:, None] & (share > LEAST) & (share < MOST), share, 0.0)
    return np.linalg.inv(mixing) if (mixing != np.eye(3)).any() else None
