"""Decoding of denoised latents to images, and of these to motions."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import torch

from foundation.camera import Camera
from foundation.trajectory import Trajectory
from model.action_images.decoding import Decoded, decode
from model.arm_rendering.drawing import arm_joints, draw_arm, fingers_seen
from model.arm_rendering.grasped_object_warp import draw_grasped_object
from model.arm_rendering.light_estimation import estimate_appearance
from model.arm_rendering.motion_refinement import ROUNDS, refine_motion
from model.generation import conditioning
from model.generation.canvas import WITHOUT_VIDEO, absolute_from_still
from model.generation.preparation import Format, Prepared
from model.generation.result import Pictures
from model.networks.codec import ACTION, RGB, decode_latents


def read(images: np.ndarray, cameras: Sequence[Camera], format_: Format) -> Decoded:
    """Decode action images (V, T, H, W, 3) to a motion of the arm's own tool."""
    decoded = decode(
        images,
        cameras,
        times=format_.times,
        sigma=format_.sigma,
        axis_length=format_.axis_length,
        tolerance=format_.tolerance,
    )
    own = conditioning.with_tool(decoded.trajectory, format_.model_tool_from_tool, back=True)
    return replace(decoded, trajectory=own)


@dataclass(frozen=True, eq=False)
class LatentDecoder:
    """Codec and optional frame decoder of one request; `fits`: refine motions decoded from a video against it."""

    vae: Any
    frame_decoder: Any
    prepared: Prepared
    fits: bool = True

    def preview(self, latents: torch.Tensor) -> Pictures:
        """Decode the images of the first candidate with the codec alone."""
        action = self.actions(latents[:1])
        return Pictures(self.videos(latents[:1], None), action)

    def actions(self, latents: torch.Tensor) -> np.ndarray | None:
        """Decode canvases (N, C, F, h, w) to action images (N, V, T, H, W, 3) uint8; None for modes without action."""
        _, action = self.prepared.canvas.unpack(latents)
        if action is None:
            return None
        given = self.prepared.action
        if given is not None:
            return np.broadcast_to(given, (len(latents), *given.shape))
        return conditioning.to_images(self._decoded(action, ACTION))

    @property
    def fits_motions(self) -> bool:
        """True when decoded motions are refined against the video."""
        decoder, mode = self.frame_decoder, self.prepared.canvas.mode
        return self.fits and mode == "video_to_action" and decoder is not None and decoder.config["sees_arm"]

    @property
    def rounds(self) -> int:
        """Maximum number of `on_round` calls of `motions` per motion."""
        return ROUNDS if self.fits_motions else 0

    def motions(
        self,
        actions: np.ndarray,
        imagined: Sequence[Decoded] | None = None,
        on_round: Callable[[], None] = lambda: None,
    ) -> list[Decoded]:
        """Decode action images (N, V, T, H, W, 3) to motions of the arm's own tool.

        Motions decoded from a video are refined against it (model/arm_rendering/motion_refinement.py), starting also
        from the motions (N,) `imagined` from its first frames; this takes seconds: `on_round` is called in between.
        """
        motions = [read(images, self.prepared.cameras, self.prepared.format) for images in actions]
        if self.fits_motions:
            others = [None] * len(motions) if imagined is None else imagined
            motions = [self._fitted(*both, on_round) for both in zip(motions, others, strict=True)]
        return motions

    def _fitted(self, read: Decoded, imagined: Decoded | None, on_round: Callable[[], None]) -> Decoded:
        """Refine the motion against the video; frames that were neither decoded nor predicted stay unknown."""
        assert self.prepared.rgb is not None
        if not read.valid.any():
            return read
        video = conditioning.to_tensor(self.prepared.rgb)
        still = video[None, :, :, :1].expand(1, *video.shape)
        guesses = [read]
        if imagined is not None and imagined.valid.any():
            guesses.append(imagined)
            read = _filled(read, imagined)
        fitted = refine_motion(
            lambda motions: self._painted(still.expand(len(motions), *video.shape), motions),
            video,
            [guess.trajectory.at(self.prepared.format.times) for guess in guesses],
            on_round,
        )
        poses = np.where(read.valid[:, None, None], fitted.base_from_tool, np.nan)
        openness = np.where(read.valid, fitted.openness, read.trajectory.openness)
        return replace(read, trajectory=replace(read.trajectory, base_from_tool=poses, openness=openness))

    def videos(self, latents: torch.Tensor, motions: Sequence[Decoded] | None) -> np.ndarray | None:
        """Decode rgb (N, V, T, H, W, 3) uint8; the frame decoder, if any, is conditioned on the `motions` (N,)."""
        prepared = self.prepared
        if prepared.canvas.mode in WITHOUT_VIDEO:
            return None
        rgb, _ = prepared.canvas.unpack(latents)
        if prepared.still is not None:
            rgb = absolute_from_still(rgb, prepared.still.expand_as(rgb))
        videos = self._decoded(rgb, RGB)
        if self.frame_decoder is not None and motions is not None:
            # A motion without any decodable frame leaves its video unchanged.
            readable = [i for i, motion in enumerate(motions) if motion.valid.any()]
            known = [motions[i].trajectory.at(prepared.format.times) for i in readable]
            videos[readable] = self._painted(videos[readable], known)
        images = conditioning.to_images(videos)
        images[:, :, :1] = prepared.first
        if prepared.rgb is not None:
            images[:, : len(prepared.rgb)] = prepared.rgb
        return images

    def _decoded(self, latents: torch.Tensor, kind: str) -> torch.Tensor:
        """Decode to videos (N, V, 3, T, H, W), sequentially to save memory."""
        flat = latents.flatten(0, 1)
        videos = [decode_latents(self.vae, one[None], kind).float() for one in flat]
        return torch.cat(videos).unflatten(0, latents.shape[:2])

    def _painted(self, videos: torch.Tensor, motions: Sequence[Trajectory]) -> torch.Tensor:
        """Run the frame decoder on coarse videos (N, V, 3, T, H, W) and motions (N,) known at all times."""
        format_, decoder, cameras = self.prepared.format, self.frame_decoder, self.prepared.cameras
        first = conditioning.to_tensor(self.prepared.first)[:, :, 0]
        painted = torch.empty_like(videos)
        for i, motion in enumerate(motions):
            drawn = conditioning.drawn_actions(
                motion, cameras, format_.model_tool_from_tool, format_.sigma, format_.axis_length
            )
            shown = {name: torch.from_numpy(part).movedim(-1, 1) for name, part in self._shown(motion).items()}
            shown = {name: part.to(videos.device, decoder.dtype) for name, part in shown.items()}
            inputs = first, conditioning.to_tensor(drawn), videos[i]
            painted[i] = decoder(*(part.to(videos.device, decoder.dtype) for part in inputs), **shown).float()
        return painted

    def _shown(self, motion: Trajectory) -> dict[str, np.ndarray]:
        """Render the additional inputs that the frame decoder was trained with."""
        cameras, shown = self.prepared.cameras, {}
        if self.frame_decoder.config["sees_arm"]:
            joints = arm_joints(motion.base_from_tool, self._posture)
            shown["arm"] = draw_arm(joints, fingers_seen(motion.openness), cameras, *self._look)
        if self.frame_decoder.config["sees_carried"]:
            first = self.prepared.first[:, 0]
            shown["carried"] = draw_grasped_object(first, motion.base_from_tool, motion.openness, cameras)
        return shown

    @cached_property
    def _posture(self) -> np.ndarray:
        """Joints (7,) of the arm in the first frames."""
        prepared = self.prepared
        return arm_joints(prepared.present.base_from_tool)[0] if prepared.joints is None else prepared.joints

    @cached_property
    def _look(self) -> tuple[np.ndarray | None, np.ndarray]:
        """Direction of the shadows in the first frames, and the arm's colours there."""
        prepared = self.prepared
        return estimate_appearance(
            prepared.first[:, 0], prepared.cameras, self._posture, float(prepared.present.openness[0])
        )


def _filled(read: Decoded, imagined: Decoded) -> Decoded:
    """Fill undecodable frames with the predicted motion, at half its confidence because the video does not show it."""
    missing = ~read.valid & imagined.valid
    return replace(
        read,
        valid=read.valid | missing,
        confidence=np.where(missing, imagined.confidence / 2.0, read.confidence),
        residual_px=np.where(missing[:, None], imagined.residual_px, read.residual_px),
        reasons=np.where(missing, "", read.reasons),
    )
