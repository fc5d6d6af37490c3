"""Convolutional stem on the first frames, for a transformer too small to learn visual features by itself."""

import torch
from torch import nn

_FOLD = 2  # px of the images, in both directions, folded into channels before the first convolution


class ImageStem(nn.Module):
    """Wan's patch embedding, plus, where a frame is shown, convolutional features of it.

    The input images have a higher resolution than the canvas: an object on a bench is a few of the canvas's pixels
    wide, and a ball differs from a cube by less than one. Strided convolutions reduce them to one vector per token: the
    same small detectors of colour, edge and shape everywhere, where a transformer over patches would have to learn each
    at every position in a patch. The last layer is zero-initialised. `token_px`: a token's width in them.
    """

    def __init__(self, embedding: nn.Conv3d, token_px: int, widths: tuple[int, ...]):
        super().__init__()
        width = embedding.out_channels
        side = token_px // _FOLD
        steps = side.bit_length() - 1
        if token_px != _FOLD * 2**steps or len(widths) != steps - 1:
            raise ValueError(f"tokens of {token_px} px need {steps - 1} widths of convolutions, not {widths}")
        self.embedding, self.token_px = embedding, token_px
        inputs = (3 * _FOLD**2, *widths)
        layers: list[nn.Module] = [nn.PixelUnshuffle(_FOLD)]
        for i, (before, after) in enumerate(zip(inputs, widths, strict=False)):
            layers += [nn.Conv2d(before, after, 3, stride=2, padding=1), nn.GroupNorm(4, after), nn.SiLU()]
            if i:  # the first runs at half the resolution, where a second one would cost most
                layers += [nn.Conv2d(after, after, 3, padding=1), nn.GroupNorm(4, after), nn.SiLU()]
        self.layers = nn.Sequential(*layers, nn.Conv2d(inputs[-1], width, 3, stride=2, padding=1))
        nn.init.zeros_(self.layers[-1].weight)  # type: ignore[arg-type]
        nn.init.zeros_(self.layers[-1].bias)  # type: ignore[arg-type]
        self.shown: tuple[torch.Tensor, tuple[int, ...]] | None = None

    def forward(self, canvas: torch.Tensor) -> torch.Tensor:
        """Embed the canvas as (B, width, F, h', w').

        `shown` is set by the transformer: images (B, n, 3, h' px, w' px) in [-1, 1], and the n frames of the canvas at
        which they are.
        """
        embedded = self.embedding(canvas)
        if self.shown is None:
            return embedded
        pictures, frames = self.shown
        sides = tuple(self.token_px * cells for cells in embedded.shape[-2:])
        if pictures.shape[-2:] != sides:
            raise ValueError(
                f"the pictures are {tuple(pictures.shape[-2:])} px, and a canvas of this size needs {sides}"
            )
        seen = self.layers(pictures.to(embedded.dtype).flatten(0, 1))  # (B n, width, h', w')
        seen = seen.unflatten(0, pictures.shape[:2]).movedim(1, 2).to(embedded.dtype)
        return embedded.index_add(2, torch.tensor(frames, device=embedded.device), seen)
