"""A small convolutional look at the first pictures, for a transformer that is too small to learn to see by itself."""

import torch
from torch import nn


class PictureEmbedding(nn.Module):
    """Wan's patch embedding, and added to it, where a picture is given, what convolutions see in it.

    The codec's latents of a first frame are spread to pixels by a linear map (which `start_from` sets to the codec's
    own decoder, so that it begins with the picture itself) and brought back to one vector per token by strided
    convolutions: the same small detectors of colour, edge and shape everywhere, where a transformer over patches would
    have to learn each at every place in a patch. Its last layer starts at zero.
    """

    def __init__(self, embedding: nn.Conv3d, channels: int, cell_px: int, widths: tuple[int, ...]):
        super().__init__()
        patch, width = embedding.kernel_size[1], embedding.out_channels
        side = cell_px * patch  # px of a token
        steps = side.bit_length() - 1
        if side != 2**steps or len(widths) != steps - 1:
            raise ValueError(f"tokens of {side} px need {steps - 1} widths of convolutions, not {widths}")
        self.embedding, self.cell_px = embedding, cell_px
        self.pixels = nn.Linear(channels, 3 * cell_px**2)
        inputs = (3, *widths)
        layers: list[nn.Module] = []
        for i, (before, after) in enumerate(zip(inputs, widths, strict=False)):
            layers += [nn.Conv2d(before, after, 3, stride=2, padding=1), nn.GroupNorm(4, after), nn.SiLU()]
            if i:  # the first runs at half the resolution, where a second one would cost most
                layers += [nn.Conv2d(after, after, 3, padding=1), nn.GroupNorm(4, after), nn.SiLU()]
        self.layers = nn.Sequential(*layers, nn.Conv2d(inputs[-1], width, 3, stride=2, padding=1))
        nn.init.zeros_(self.layers[-1].weight)  # type: ignore[arg-type]
        nn.init.zeros_(self.layers[-1].bias)  # type: ignore[arg-type]
        self.pictures: tuple[torch.Tensor, tuple[int, ...]] | None = None

    @torch.no_grad()
    def start_from(self, decoder: nn.Linear) -> None:
        """Begin with the picture as a linear codec decodes it: rows of 3 x px x px values in [-1, 1]."""
        self.pixels.weight.copy_(decoder.weight)
        self.pixels.bias.copy_(decoder.bias)

    def forward(self, canvas: torch.Tensor) -> torch.Tensor:
        """(B, width, F, h', w'). `pictures` is set by the transformer: the latents (B, C, F, h, w) and which frames."""
        embedded = self.embedding(canvas)
        if self.pictures is None or not self.pictures[1]:
            return embedded
        latents, frames = self.pictures
        index = list(frames)
        seen = self.see(latents[:, :, index].movedim(2, 1).flatten(0, 1))  # (B n, width, h', w')
        seen = seen.unflatten(0, (len(latents), len(index))).movedim(1, 2).to(embedded.dtype)
        return embedded.index_add(2, torch.tensor(index, device=embedded.device), seen)

    def see(self, latents: torch.Tensor) -> torch.Tensor:
        """(n, width, h', w') from the latents (n, C, h, w) of first frames."""
        return self.layers(self.spread(latents))

    def spread(self, latents: torch.Tensor) -> torch.Tensor:
        """Pictures (n, 3, h px, w px) of latents (n, C, h, w)."""
        rows = self.pixels(latents.movedim(1, -1)).unflatten(-1, (3, self.cell_px, self.cell_px))
        return rows.permute(0, 3, 1, 4, 2, 5).flatten(2, 3).flatten(3, 4)


def first_pictures(action_frames: torch.Tensor) -> tuple[int, ...]:
    """The latent frames of a canvas at which a segment of rgb begins, from which frames are action (F,) bool."""
    is_action = action_frames.tolist()
    return tuple(i for i, action in enumerate(is_action) if not action and (i == 0 or is_action[i - 1]))
