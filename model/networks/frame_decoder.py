"""Frame decoder: a small network that renders each frame over the true first frame, sharp where nothing moves.

A convolutional network (U-Net) is given the first frame, the first action image, this frame's action image and the
codec's coarse decoding of this frame. Per pixel it predicts the mixing weights of the first frame, the same relit, the
coarse frame, the rendered arm, the warped grasped object and a predicted colour. Most of the sharpness of moving parts
comes from the action (the arm is rendered at its pose), not from the coarse frame.
"""

import torch
from diffusers.configuration_utils import ConfigMixin, register_to_config
from diffusers.models.modeling_utils import ModelMixin
from torch import nn

from model.arm_rendering.drawing import CHANNELS as ARM_CHANNELS
from model.arm_rendering.grasped_object_warp import CHANNELS

_LEAST_COVERED = 0.05  # minimum coverage of a pixel, by which the rendered arm's colour is divided
_AT_FIRST = -3.0  # initial logit of the sources that an untrained decoder cannot use yet


class FrameDecoder(ModelMixin, ConfigMixin):
    """Renders videos (B, 3, T, H, W) in [-1, 1]; H and W are multiples of 2^(n - 1) px, n widths.

    `widths`: channels at full resolution and at each halving; the last level should be coarse enough for its receptive
    field to cover the arm from end to end. `uses_previous`: the previous output frame is an additional input,
    autoregressively; no gradient flows back in time. `sees_arm`, `sees_carried`: the rendered arm
    (arm_rendering/drawing.py), and the warped grasped object (arm_rendering/grasped_object_warp.py), are inputs too.
    """

    @register_to_config
    def __init__(
        self,
        widths: tuple[int, ...] = (16, 32, 64, 96),
        uses_previous: bool = False,
        sees_arm: bool = False,
        sees_carried: bool = False,
    ):
        super().__init__()
        finer, coarser = widths[:-1], widths[1:]
        inputs = 12 + 3 * uses_previous + 2 * ARM_CHANNELS * sees_arm + CHANNELS * sees_carried
        self.entrance = _Convolutions(inputs, widths[0])
        self.down = nn.ModuleList(_Convolutions(a, b, stride=2) for a, b in zip(finer, coarser, strict=True))
        self.middle = nn.Sequential(*(_Residual(widths[-1]) for _ in range(3)))
        self.up = nn.ModuleList(_Convolutions(a + b, a) for a, b in zip(finer, coarser, strict=True))
        sources = 4 + sees_arm + sees_carried
        self.exit = nn.Conv2d(widths[0], 3 + 1 + sources, 3, padding=1)  # colour, relighting, mixing weights
        with torch.no_grad():  # initially the coarse frame, half transparent, and almost nothing else
            self.exit.weight.zero_()
            self.exit.bias.copy_(torch.tensor([0.0] * 4 + [0.0, 0.0] + [_AT_FIRST] * (sources - 2)))  # type: ignore

    def forward(
        self,
        first: torch.Tensor,
        action: torch.Tensor,
        coarse: torch.Tensor,
        *,
        arm: torch.Tensor | None = None,
        carried: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """Decode videos (B, 3, T, H, W); the first frame is `first` itself.

        `first` (B, 3, H, W): the true first frame. `action`, `coarse` (B, 3, T, H, W): action images and decoded
        latents. `arm` (B, 6, T, H, W), `carried` (B, 5, T, H, W), in [0, 1]: only for decoders that use them.
        """
        if self.config["sees_arm"] != (arm is not None) or self.config["sees_carried"] != (carried is not None):
            raise ValueError("a frame decoder needs the pictures that it was made to see, and no others")
        drawn = action if arm is None else torch.cat([action, arm], dim=1)
        given = torch.cat([first, drawn[:, :, 0]], dim=1)
        drawn = drawn if carried is None else torch.cat([drawn, carried], dim=1)
        frames = coarse.shape[2] - 1
        if not self.config["uses_previous"]:
            flat = [_frames(v[:, :, 1:]) for v in (drawn, coarse)]
            repeated = given.repeat_interleave(frames, dim=0)
            painted = self._paint(repeated, *flat).unflatten(0, (-1, frames)).movedim(1, 2)
            return torch.cat([first.unsqueeze(2), painted], dim=2)
        video = [first]
        for t in range(1, frames + 1):
            video.append(self._paint(given, drawn[:, :, t], coarse[:, :, t], video[-1].detach()))
        return torch.stack(video, dim=2)

    def _paint(self, given: torch.Tensor, drawn: torch.Tensor, coarse: torch.Tensor, *more) -> torch.Tensor:
        levels = [self.entrance(torch.cat([given, drawn, coarse, *more], dim=1))]
        for down in self.down:
            levels.append(down(levels[-1]))
        inside = self.middle(levels.pop())
        for up in reversed(self.up):
            inside = up(torch.cat([_twice(inside), levels.pop()], dim=1))
        painted = self.exit(inside)
        first = given[:, :3]
        relit = ((first + 1.0) * torch.exp(torch.tanh(painted[:, 3:4])) - 1.0).clamp(-1.0, 1.0)
        sources = [first, coarse, painted[:, :3].clamp(-1.0, 1.0), relit]
        if self.config["sees_arm"]:
            arm = drawn[:, 3 : 3 + ARM_CHANNELS]  # its colours are premultiplied by the coverage
            sources.append((arm[:, 3:] / arm[:, :1].clamp_min(_LEAST_COVERED)).clamp(0.0, 1.0) * 2.0 - 1.0)
        if self.config["sees_carried"]:
            sources.append(drawn[:, -CHANNELS : 3 - CHANNELS] * 2.0 - 1.0)
        shares = torch.softmax(painted[:, 4:], dim=1)
        return (torch.stack(sources, dim=1) * shares.unsqueeze(2)).sum(dim=1)


class _Convolutions(nn.Sequential):
    def __init__(self, inputs: int, outputs: int, stride: int = 1):
        super().__init__(
            nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1), nn.GroupNorm(min(8, outputs), outputs), nn.SiLU()
        )


class _Residual(nn.Module):
    def __init__(self, width: int):
        super().__init__()
        self.layers = nn.Sequential(_Convolutions(width, width), nn.Conv2d(width, width, 3, padding=1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.layers(x)


def _frames(video: torch.Tensor) -> torch.Tensor:
    return video.movedim(2, 1).flatten(0, 1)


def _twice(x: torch.Tensor) -> torch.Tensor:
    return nn.functional.interpolate(x, scale_factor=2, mode="nearest")
