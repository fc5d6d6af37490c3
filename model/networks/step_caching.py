"""diffusers' caches by name, with parameters suited to a canvas; that of the release is generation.sampling.Reuse."""

from collections.abc import Callable
from typing import Any

from diffusers.hooks.first_block_cache import FirstBlockCacheConfig
from diffusers.hooks.pyramid_attention_broadcast import PyramidAttentionBroadcastConfig
from diffusers.hooks.taylorseer_cache import TaylorSeerCacheConfig

from model.errors import ModelError

CACHES = ("first_block", "taylorseer", "pyramid")


def switch_cache(transformer: Any, name: str | None, current_timestep: Callable[[], Any] = lambda: None) -> None:
    """Enable a cache in place of the present one, or disable it with None; ModelError for an unknown name.

    first_block: the blocks after the first are skipped while its output hardly changes. taylorseer: features are
    extrapolated between full steps. pyramid: attention is computed at every second step, at medium noise levels.
    """
    if transformer.is_cache_enabled:
        transformer.disable_cache()
    if name is None:
        return
    if name not in CACHES:
        raise ModelError(f"There is no cache {name!r}. The caches are {', '.join(CACHES)}.")
    if name == "first_block":
        config: Any = FirstBlockCacheConfig(threshold=0.1)
    elif name == "taylorseer":
        config = TaylorSeerCacheConfig(cache_interval=4, disable_cache_before_step=4, max_order=1)
    else:
        config = PyramidAttentionBroadcastConfig(
            spatial_attention_block_skip_range=2,
            spatial_attention_timestep_skip_range=(100, 800),
            current_timestep_callback=current_timestep,
        )
    transformer.enable_cache(config)
