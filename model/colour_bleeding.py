"""Colour that leaks from one channel into the others, as generated and compressed videos have it."""

import numpy as np

# Less than this share is not worth undoing, and more is no bleeding.
LEAST, MOST = 0.01, 0.5
# Bleeding must explain so much of what a channel shows away from its own blob; a ghost is not explained by it.
LEAST_EXPLAINED = 0.5


def unmixing(channels: np.ndarray, tails: np.ndarray, away: np.ndarray) -> np.ndarray | None:
    """The matrix (3, 3) that takes seen colours to drawn ones; None when nothing bleeds.

    `channels` (V, T, 3, m) are the pixels less their channel's background, `tails` (V, T, 3, m) what each channel's own
    blob adds to them, `away` (V, T, 3, m) bool which pixels are away from that blob. There a channel shows, besides the
    tails, what leaks into it from the two others: least squares over a view's whole video gives the shares. Whoever
    made the videos made all of them alike, and a ghost in one view must not pass for bleeding, so the middle view's
    shares (of an even number, the lower one's) count.
    """
    V = len(channels)
    shares = np.zeros((V, 3, 3))
    for own in range(3):
        others = [channel for channel in range(3) if channel != own]
        there = away[:, :, own].reshape(V, -1)
        leaked = np.where(there, (channels[:, :, own] - tails[:, :, own]).reshape(V, -1), np.float32(0.0))
        sources = channels[:, :, others].swapaxes(1, 2).reshape(V, 2, -1)
        gram = ((sources * there[:, None]) @ sources.swapaxes(1, 2)).astype(float) + 1e-6 * np.eye(2)
        product = (sources @ leaked[..., None])[..., 0].astype(float)
        share = np.linalg.solve(gram, product[..., None])[..., 0]
        explained = np.sum(share * product, axis=1) > LEAST_EXPLAINED * np.sum(leaked**2, axis=1)
        shares[:, own, others] = np.where(explained[:, None], share, 0.0)
    middle = np.sort(shares, axis=0)[(V - 1) // 2]
    middle = np.where((middle > LEAST) & (middle < MOST), middle, 0.0)
    return np.linalg.inv(np.eye(3) + middle) if middle.any() else None
