"""From denoised latents to pictures, and from these to motions."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from model import conditioning
from model.action_decoding import Decoded, decode
from model.arm_drawing import arm_joints, draw_arm
from model.canvas import WITHOUT_VIDEO, absolute_from_still
from model.carrying import draw_carried
from model.codec import ACTION, RGB, decode_latents
from model.generation import Pictures
from model.preparation import Prepared


@dataclass(frozen=True, eq=False)
class PictureDecoder:
    """The codec, and the optional frame decoder, for one request."""

    vae: Any
    frame_decoder: Any
    prepared: Prepared

    def preview(self, latents: torch.Tensor) -> Pictures:
        """The pictures of the first candidate, through the codec alone."""
        action = self.actions(latents[:1])
        return Pictures(self.videos(latents[:1], None), action)

    def actions(self, latents: torch.Tensor) -> np.ndarray | None:
        """Action images (N, V, T, H, W, 3) uint8 of canvases (N, C, F, h, w); None where there are none."""
        _, action = self.prepared.canvas.unpack(latents)
        if action is None:
            return None
        given = self.prepared.action
        if given is not None:
            return np.broadcast_to(given, (len(latents), *given.shape))
        return conditioning.to_images(self._decoded(action, ACTION))

    def motions(self, actions: np.ndarray) -> list[Decoded]:
        """What action images (N, V, T, H, W, 3) say, for the arm's own tool."""
        format_ = self.prepared.format
        read = [
            decode(
                images,
                self.prepared.cameras,
                times=format_.times,
                sigma=format_.sigma,
                axis_length=format_.axis_length,
                tolerance=format_.tolerance,
            )
            for images in actions
        ]
        tool = format_.model_tool_from_tool
        return [replace(d, trajectory=conditioning.with_tool(d.trajectory, tool, back=True)) for d in read]

    def videos(self, latents: torch.Tensor, motions: Sequence[Decoded] | None) -> np.ndarray | None:
        """rgb (N, V, T, H, W, 3) uint8; where there is a frame decoder, it sees the `motions` (N,) drawn cleanly."""
        prepared = self.prepared
        if prepared.canvas.mode in WITHOUT_VIDEO:
            return None
        rgb, _ = prepared.canvas.unpack(latents)
        if prepared.still is not None:
            rgb = absolute_from_still(rgb, prepared.still.expand_as(rgb))
        videos = self._decoded(rgb, RGB)
        if self.frame_decoder is not None and motions is not None:
            videos = self._painted(videos, motions)
        images = conditioning.to_images(videos)
        images[:, :, :1] = prepared.first
        if prepared.rgb is not None:
            images[:, : len(prepared.rgb)] = prepared.rgb
        return images

    def _decoded(self, latents: torch.Tensor, kind: str) -> torch.Tensor:
        """Videos (N, V, 3, T, H, W), one after the other for the sake of memory."""
        flat = latents.flatten(0, 1)
        videos = [decode_latents(self.vae, one[None], kind).float() for one in flat]
        return torch.cat(videos).unflatten(0, latents.shape[:2])

    def _painted(self, videos: torch.Tensor, motions: Sequence[Decoded]) -> torch.Tensor:
        """The frame decoder's videos; a motion of which nothing can be read leaves its videos as they are."""
        format_ = self.prepared.format
        first = conditioning.to_tensor(self.prepared.first)[:, :, 0].to(videos)
        painted = videos.clone()
        for i, motion in enumerate(motions):
            if not motion.valid.any():
                continue
            known = motion.trajectory.at(format_.times)
            drawn = conditioning.drawn_actions(
                known, self.prepared.cameras, format_.model_tool_from_tool, format_.sigma, format_.axis_length
            )
            decoder = self.frame_decoder
            seen = {}
            if decoder.config["sees_arm"]:
                arm = draw_arm(arm_joints(known.base_from_tool), known.openness, self.prepared.cameras)
                seen["arm"] = arm
            if decoder.config["sees_carried"]:
                first_pictures = self.prepared.first[:, 0]
                seen["carried"] = draw_carried(
                    first_pictures, known.base_from_tool, known.openness, self.prepared.cameras
                )
            seen = {k: torch.from_numpy(v).movedim(-1, 1).to(videos.device, decoder.dtype) for k, v in seen.items()}
            action = conditioning.to_tensor(drawn)
            inputs = (part.to(videos.device, decoder.dtype) for part in (first, action, videos[i]))
            painted[i] = decoder(*inputs, **seen).float()
        return painted
