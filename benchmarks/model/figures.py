"""World-action model: `rehearse benchmark model`; with a GPU also the full-size figures (gpu.py)."""

import torch

from benchmarks.checks import Check, say
from benchmarks.model import gpu, importing, layouts, reference, speed, training
from benchmarks.model.scene import motion, scene
from model.checkpoints.released_transformer import from_released
from model.generation.canvas import MODES
from model.generation.preparation import Format, prepare
from model.generation.sampling import Conditions, Predictor, denoise, stages
from model.generation.untrained import tiny_pipeline
from model.networks.sizes import FULL_SIZE_PARAMETERS, WAN22_TI2V_5B
from model.networks.transformer import ActionImagesTransformer

_FORWARDS = 20


def measure(quick: bool) -> list[Check]:
    """Run every check of this benchmark; `quick` takes a tenth of every count."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # with two, any other load on the machine would make the times random
    try:
        checks = [
            released_forward_max_abs_error(_FORWARDS // 10 if quick else _FORWARDS),
            full_size_parameters(),
            modes_clean_bit_equal(),
            *speed.forward_backward_ratios(3 if quick else 15),
            speed.tiny_generate_s(3 if quick else 11),
            *importing.measure(quick),
            *training.measure(quick),
        ]
    finally:
        torch.set_num_threads(threads)
    return [*checks, *gpu.measure(quick)]


@torch.no_grad()
def released_forward_max_abs_error(forwards: int) -> Check:
    """Compare random weights in the released layout, loaded, with the independent reference implementation; fp32."""
    say("the released network against a second implementation")
    size = layouts.TinyWan(width=96, heads=4, layers=3, ffn=160)
    error = 0.0
    for seed in range(forwards):
        weights = layouts.random_tensors(layouts.transformer_shapes(size), seed)
        generator = torch.Generator().manual_seed(seed)
        x = torch.randn(2, size.in_channels, 4 + 2 * (seed % 3), 8, 12, generator=generator)
        t = 1000.0 * torch.rand(2, generator=generator)
        words = torch.randn(2, 9, size.text, generator=generator)
        rays = torch.randn(2, x.shape[2], 2 * size.out_channels, 8, 12, generator=generator)
        model = from_released(weights, num_attention_heads=size.heads)
        expected = reference.transformer(weights, size.heads, size.pool, x, t, words, rays)
        error = max(error, float((model(x, t, words, rays).sample - expected).abs().max()))
    return Check("released_forward_max_abs_error", error, "", "<= 1e-4")


def full_size_parameters() -> Check:
    """Count the parameters of Wan2.2-TI2V-5B's shapes with the camera branch, without allocating them."""
    with torch.device("meta"):
        model = ActionImagesTransformer(**WAN22_TI2V_5B)
    count = sum(parameter.numel() for parameter in model.parameters())
    return Check("full_size_parameters", count, "", f"= {FULL_SIZE_PARAMETERS}")


@torch.no_grad()
def modes_clean_bit_equal() -> Check:
    """Count the modes of six in which given latents, and no others, are bit for bit the same after denoising."""
    say("what is given stays what it is")
    pipeline = tiny_pipeline()
    asked = scene(64, 64)
    format_ = Format(64, 64, 9, 0.2, 0.05, 0.1, None)
    videos = torch.randint(0, 256, (2, 9, 64, 64, 3), dtype=torch.uint8).numpy()
    equal = 0
    for mode in MODES:
        prepared = prepare(
            pipeline.transformer,
            pipeline.vae,
            format_,
            asked,
            mode,
            motion(asked, 9, 0.2) if mode == "action_to_video" else None,
            {"video_to_action": videos, "view_transfer": videos[:1]}.get(mode),
            torch.device("cpu"),
        )
        canvas = prepared.canvas
        start = torch.where(canvas.clean[:, None, None], prepared.latents, torch.randn(prepared.latents.shape))
        rays = torch.randn(1, canvas.frames, 32, 8, 8)
        conditions = Conditions(torch.randn(1, 8, 32), torch.zeros(1, 8, 32), rays)
        predictor = Predictor(pipeline.transformer, canvas, conditions, guidance_scale=5.0)
        plan = [(stage, 5) for stage in stages(canvas, two_stage=False)]
        *_, last = denoise(predictor, pipeline.scheduler, start, plan)
        same = (last.latents == prepared.latents).all(dim=(0, 1)).all(dim=(-1, -2))
        equal += bool(torch.equal(same, canvas.clean))
    return Check("modes_clean_bit_equal", equal, "modes", f"= {len(MODES)}")
