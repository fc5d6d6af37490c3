"""The world-action model as a diffusers pipeline: instruction and scene in, videos and a motion out."""

import copy
import itertools
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from diffusers.loaders.lora_pipeline import WanLoraLoaderMixin
from diffusers.models.modeling_utils import ModelMixin
from diffusers.pipelines.pipeline_utils import DiffusionPipeline
from diffusers.schedulers.scheduling_utils import SchedulerMixin
from diffusers.utils.torch_utils import get_module_execution_device
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from foundation.trajectory import Scene, Trajectory
from model.action_images.decoding import KERNEL, Decoded
from model.checkpoints.class_aliases import with_present_modules
from model.checkpoints.default_weights import EMBEDDED, EMBEDDED_FOLDER
from model.errors import GenerationCancelled, ModelError
from model.generation import conditioning, request
from model.generation.batched_generation import (
    GenerationRequest,
    format_of,
    imagined_motions,
    noised,
    refine_from_crops,
)
from model.generation.candidate_selection import ranked, score_candidate
from model.generation.canvas import over_canvas
from model.generation.crop_refinement import IMAGINED
from model.generation.latent_decoding import LatentDecoder
from model.generation.preparation import Format, Prepared, prepare
from model.generation.result import FIT, Generated, OnStep, Step
from model.generation.sampling import Conditions, Denoised, Predictor, Reuse, Stage, denoise, stages
from model.networks import text_encoding
from model.networks.context_parallel import Parallel, parallelise
from model.networks.frame_decoder import FrameDecoder
from model.networks.step_caching import switch_cache
from model.networks.transformer import ActionImagesTransformer


class ActionImagesPipeline(DiffusionPipeline, WanLoraLoaderMixin):
    """Pipeline that generates the arm's motion, as videos of all views and as a trajectory.

    Components: `transformer` (ActionImagesTransformer), `vae` (AutoencoderKLWan, or LinearCodec), `text_encoder` and
    `tokenizer` (T5 of either kind), `scheduler` (flow matching: Euler, or UniPC with flow sigmas). Optional:
    `frame_decoder` (FrameDecoder); `image_encoder` and `image_processor`, CLIP's, for Wan2.1's image-to-video models.

    Configuration: the `height` and `width` of the images in px, `num_frames` (4 k + 1) and `frame_period_s` between
    them; the default `num_inference_steps`, `video_steps` (of the second stage, for models with `two_stage`) and
    `guidance_scale`; `max_text_length` in tokens; `sigma` and `axis_length` of the action images;
    `model_tool_from_tool` (4, 4), for weights trained with other tool axes; `longest_between_views_s`;
    `rehearsal_mode`, the default mode for an operator's instruction; `knows_video`, True when the weights were trained
    on videos, so that they can label one, or predict a motion's outcome; `picture_part`, the part of a camera's image
    that the weights were trained on: its "middle", or the square with the "workspace"; `tolerance` of decoding action
    images (decoding.decode); `closer_looks`: number of crop refinements (crop_refinement.ROOMS) of a generated motion,
    which are decoded jointly with the first result.
    """

    model_cpu_offload_seq = "text_encoder->image_encoder->transformer->vae->frame_decoder"
    _optional_components = ["frame_decoder", "image_encoder", "image_processor"]  # noqa: RUF012 - diffusers' own

    def __init__(
        self,
        transformer: ActionImagesTransformer,
        vae: ModelMixin,
        text_encoder: PreTrainedModel,
        tokenizer: PreTrainedTokenizerBase,
        scheduler: SchedulerMixin,
        frame_decoder: FrameDecoder | None = None,
        image_encoder: PreTrainedModel | None = None,
        image_processor: Any = None,
        height: int = 512,
        width: int = 512,
        num_frames: int = 41,
        frame_period_s: float = 0.2,
        num_inference_steps: int = 50,
        video_steps: int = 1,
        guidance_scale: float = 7.5,
        max_text_length: int = 512,
        sigma: float = 0.05,
        axis_length: float = 0.1,
        model_tool_from_tool: list[list[float]] | None = None,
        longest_between_views_s: float = 0.15,
        rehearsal_mode: str = "joint",
        knows_video: bool = True,
        picture_part: str = "middle",
        tolerance: float = KERNEL,
        closer_looks: int = 0,
    ):
        super().__init__()
        self.register_modules(
            transformer=transformer,
            vae=vae,
            text_encoder=text_encoder,
            tokenizer=tokenizer,
            scheduler=scheduler,
            frame_decoder=frame_decoder,
            image_encoder=image_encoder,
            image_processor=image_processor,
        )
        self.register_to_config(
            height=height,
            width=width,
            num_frames=num_frames,
            frame_period_s=frame_period_s,
            num_inference_steps=num_inference_steps,
            video_steps=video_steps,
            guidance_scale=guidance_scale,
            max_text_length=max_text_length,
            sigma=sigma,
            axis_length=axis_length,
            model_tool_from_tool=model_tool_from_tool,
            longest_between_views_s=longest_between_views_s,
            rehearsal_mode=rehearsal_mode,
            knows_video=knows_video,
            picture_part=picture_part,
            tolerance=tolerance,
            closer_looks=closer_looks,
        )
        self.parallel: Parallel | None = None
        self._timestep: float | None = None
        self._cameras: tuple[Any, torch.Tensor] | None = None

    @classmethod
    def from_pretrained(cls, pretrained_model_name_or_path: Any, **options: Any) -> Any:
        """Load like diffusers; "embedded" is the model shipped with the program. See model.generation.loading."""
        own = pretrained_model_name_or_path == EMBEDDED
        return super().from_pretrained(EMBEDDED_FOLDER if own else pretrained_model_name_or_path, **options)

    @classmethod
    def load_config(cls, *arguments: Any, **options: Any) -> Any:
        """Load the config like diffusers, also from folders written before a class moved."""
        index = super().load_config(*arguments, **options)
        return with_present_modules(index) if isinstance(index, dict) else (with_present_modules(index[0]), *index[1:])

    @property
    def current_timestep(self) -> float | None:
        """Current denoising timestep in [0, 1000]; read by diffusers' caches."""
        return self._timestep

    @torch.no_grad()
    def __call__(
        self,
        instruction: str,
        scene: Scene,
        mode: str = "joint",
        trajectory: Trajectory | None = None,
        videos: np.ndarray | None = None,
        num_inference_steps: int | None = None,
        guidance_scale: float | None = None,
        num_candidates: int = 1,
        seed: int | None = None,
        on_step: OnStep | None = None,
        *,
        video_steps: int | None = None,
        height: int | None = None,
        width: int | None = None,
        num_frames: int | None = None,
        reuse: Reuse | None = None,
    ) -> Generated:
        """Generate `num_candidates` videos and motions for an instruction, seen from the scene's cameras.

        Args:
            mode: One of generation.canvas.MODES.
            trajectory: Read by "action_to_video" (resampled to the model's times).
            videos: Read by "video_to_action" and "view_transfer": (V or 1, T, H, W, 3) uint8.
            guidance_scale: Classifier-free guidance; 1 is none.
            seed: Candidate i depends on seed + i alone, whatever the number of candidates; None: a random seed.
            on_step: Called after the preparation and after every step.

        Raises:
            ModelError: For invalid requests.
            GenerationCancelled: When `on_step` returned False.
        """
        settings: Any = self.config
        steps = settings.num_inference_steps if num_inference_steps is None else num_inference_steps
        guidance = settings.guidance_scale if guidance_scale is None else guidance_scale
        later_steps: int = settings.video_steps if video_steps is None else video_steps
        request.check_numbers(min(steps, later_steps), guidance, num_candidates)
        request.check_mode(mode, trajectory, videos)
        request.check_scene(scene, settings.longest_between_views_s)
        words = text_encoding.checked(instruction, self.tokenizer, settings.max_text_length)
        format_ = self._format(height, width, num_frames)
        device = self._execution_device
        prepared = prepare(self.transformer, self.vae, format_, scene, mode, trajectory, videos, device)
        first_seed = int(np.random.default_rng().integers(2**31)) if seed is None else int(seed)
        seeds = [first_seed + i for i in range(num_candidates)]
        conditions = self._conditions(words, prepared, guidance != 1.0, num_candidates)
        group = self.parallel.guidance_group if self.parallel else None
        predictor = Predictor(self.transformer, prepared.canvas, conditions, guidance, reuse, group)
        plan = self._plan(prepared, steps, later_steps)
        pictures = LatentDecoder(self.vae, self.frame_decoder, prepared)
        latents = torch.cat([noised(prepared, seed) for seed in seeds])
        state = Denoised(0, sum(count for _, count in plan), plan[0][0].name, latents, latents)
        try:
            later = pictures.rounds * num_candidates
            _report(on_step, state, pictures, later)
            scheduler = copy.deepcopy(self.scheduler)
            for state in denoise(predictor, scheduler, latents, plan, self._remember_timestep):
                _report(on_step, state, pictures, later)
            last, rounds = state, itertools.count()
            actions = pictures.actions(last.latents)
            motions = None
            if actions is not None:
                questions = [GenerationRequest(words, scene, seed) for seed in seeds]
                guesses = None
                if pictures.fits_motions:
                    guesses = imagined_motions(self, questions, format_, steps, guidance)
                motions = pictures.motions(
                    actions, guesses, lambda: _report(on_step, last, pictures, later, next(rounds))
                )
                if mode in IMAGINED:
                    looks = [(images, prepared.cameras) for images in actions]
                    motions = refine_from_crops(self, questions, looks, motions, format_, steps, guidance)
            return _result(scene, pictures, last.latents, seeds, actions, motions)
        finally:
            predictor.forget()
            self.maybe_free_model_hooks()

    def use_cache(self, name: str | None) -> None:
        """Enable one of model.networks.step_caching.CACHES, or with None disable all."""
        switch_cache(self.transformer, name, lambda: self._timestep)

    def use_parallel(self, *, sequence: int = 1, guidance: bool = False) -> None:
        """Distribute subsequent generations over the default group's other processes (context_parallel.py)."""
        self.parallel = parallelise(self.transformer, sequence=sequence, guidance=guidance)

    def compile(self, **options: Any) -> None:
        """Compile every block of the transformer (one graph serves all): slow once, faster afterwards."""
        self.transformer.compile_repeated_blocks(**options)

    def _format(self, height: int | None, width: int | None, frames: int | None) -> Format:
        own = format_of(self)
        return replace(own, height=height or own.height, width=width or own.width, frames=frames or own.frames)

    def _conditions(self, words: str, prepared: Prepared, guided: bool, candidates: int) -> Conditions:
        settings: Any = self.config
        length, device = settings.max_text_length, self._execution_device
        texts = [words, ""] if guided else [words]
        embedded = [
            text_encoding.encode_text(self.tokenizer, self.text_encoder, [one], length)
            .to(device)
            .expand(candidates, -1, -1)
            for one in texts
        ]
        camera = prepared.canvas.pack_camera(self._camera(prepared))
        image, given = None, None
        if self.transformer.config.image_dim is not None:
            image = self._image_features(prepared).expand(candidates, -1, -1)
        if self.transformer.config.in_channels > self.transformer.config.out_channels:
            given = _given_channels(prepared, self.transformer.config, candidates)
        pictures = None if prepared.pictures is None else prepared.pictures.expand(candidates, -1, -1, -1, -1)
        return Conditions(embedded[0], embedded[1] if guided else None, camera, pictures, image, given)

    def _camera(self, prepared: Prepared) -> torch.Tensor:
        """Return the camera branch's features (1, V, T, K, h, w), cached: cameras rarely change between requests."""
        cameras, frames = prepared.cameras, prepared.format.frames
        key = (frames, *((c.width, c.height, c.K.tobytes(), c.base_from_camera.tobytes()) for c in cameras))
        if self._cameras is None or self._cameras[0] != key:
            device = self._execution_device
            features = conditioning.camera_features(self.transformer.config, self.vae, cameras, frames, device)
            self._cameras = (key, features)
        return self._cameras[1].to(self._execution_device)

    def _image_features(self, prepared: Prepared) -> torch.Tensor:
        """Compute CLIP features (1, m, e) of the first view's image, for Wan2.1's image-to-video models."""
        if self.image_encoder is None or self.image_processor is None:
            raise ModelError(
                "This model sees the first picture through CLIP. Load its image encoder and processor too."
            )
        inputs = self.image_processor(images=prepared.first[0, 0], return_tensors="pt")
        device = get_module_execution_device(self.image_encoder)
        pixels = inputs.pixel_values.to(device, self.image_encoder.dtype)
        return self.image_encoder(pixels, output_hidden_states=True).hidden_states[-2].to(self._execution_device)

    def _plan(self, prepared: Prepared, steps: int, video_steps: int) -> list[tuple[Stage, int]]:
        two = self.transformer.config.two_stage
        return [
            (stage, video_steps if two and stage.name == "video" else steps) for stage in stages(prepared.canvas, two)
        ]

    def _remember_timestep(self, timestep: float) -> None:
        self._timestep = timestep


def _given_channels(prepared: Prepared, settings: Any, candidates: int) -> torch.Tensor:
    """Return the additional channels (N, 4 + C, F, h, w) of Wan2.1's image-to-video models.

    They are a mask, 1 where the canvas is given, and the latents there.
    """
    latents = prepared.latents
    given = over_canvas(prepared.canvas.clean.to(latents))
    masks = settings.in_channels - 2 * settings.out_channels
    mask = given.expand(1, masks, -1, *latents.shape[3:])
    return torch.cat([mask, latents * given], dim=1).expand(candidates, -1, -1, -1, -1)


def _report(
    on_step: OnStep | None, state: Denoised, pictures: LatentDecoder, later: int, rounds: int | None = None
) -> None:
    """Report a step; `later`: refinement rounds after denoising, `rounds`: how many of them are done."""
    if on_step is None:
        return
    stage, done = (state.stage, state.done) if rounds is None else (FIT, state.done + rounds)
    step = Step(done, state.total + later, stage, lambda: pictures.preview(state.clean))
    if on_step(step) is False:
        raise GenerationCancelled("The generation was cancelled.")


def _result(
    scene: Scene,
    pictures: LatentDecoder,
    latents: torch.Tensor,
    seeds: list[int],
    actions: np.ndarray | None,
    motions: list[Decoded] | None,
) -> Generated:
    """Assemble images and motions, best first."""
    prepared = pictures.prepared
    rgb = pictures.videos(latents, motions)
    verdicts, order = None, list(range(len(seeds)))
    if motions is not None:
        # A given motion starts where it was specified to.
        start = scene.base_from_tool if prepared.action is None else None
        side = min(prepared.format.height, prepared.format.width)
        verdicts = [score_candidate(motion, side, start) for motion in motions]
        order = ranked(verdicts)
    return Generated(
        prepared.canvas.mode,
        prepared.format.times,
        prepared.cameras,
        None if rgb is None else rgb[order],
        None if actions is None else actions[order],
        None if motions is None else [motions[i] for i in order],
        None if verdicts is None else [verdicts[i] for i in order],
        [seeds[i] for i in order],
    )
