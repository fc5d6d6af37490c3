"""Off-screen OpenGL contexts, for rendering in a process that has no window."""

import ctypes
import os
import sys
from functools import cache
from typing import Any, Protocol

from simulation.errors import SimulationError

_LIBRARIES = {"egl": ("libEGL.so.1", "libegl1"), "osmesa": ("libOSMesa.so.8", "libosmesa6")}  # Debian's packages
_EGL_PLATFORM_DEVICE = 0x313F  # EGL_EXT_platform_device


class GlContext(Protocol):
    """OpenGL context of one thread."""

    def make_current(self) -> None: ...

    def free(self) -> None: ...


def choose_backend() -> str:
    """Return the rendering backend, egl, osmesa or glfw: the one in MUJOCO_GL, else the first that works here.

    PyOpenGL binds a process to one of them at its first import, so this checks before it is imported.
    Raises SimulationError when there is none.
    """
    if not sys.platform.startswith("linux"):
        return "glfw"
    for variable in ("MUJOCO_GL", "PYOPENGL_PLATFORM"):
        wanted = os.environ.get(variable, "").lower()
        if wanted in _LIBRARIES:
            return wanted
    if _egl_works():
        return "egl"
    if _load("osmesa") is not None:
        return "osmesa"
    raise SimulationError(
        "The lab's cameras need OpenGL without a screen, and neither EGL nor OSMesa works here. "
        "Install one of them: apt install libegl1 (or libosmesa6)."
    )


def _load(backend: str) -> Any:
    try:
        return ctypes.CDLL(_LIBRARIES[backend][0])
    except OSError:
        return None


@cache
def _egl_works() -> bool:
    """Return whether any EGL device opens: the library alone, as in containers, cannot draw."""
    egl = _load("egl")
    if egl is None:
        return False
    egl.eglGetProcAddress.restype = ctypes.c_void_p
    names = (b"eglQueryDevicesEXT", b"eglGetPlatformDisplayEXT")
    addresses = [egl.eglGetProcAddress(name) for name in names]
    if not all(addresses):
        return False
    devices, count = (ctypes.c_void_p * 16)(), ctypes.c_int(0)
    query = ctypes.CFUNCTYPE(ctypes.c_uint, ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)(addresses[0])
    display_of = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_uint, ctypes.c_void_p, ctypes.c_void_p)(addresses[1])
    egl.eglInitialize.argtypes = [ctypes.c_void_p] * 3
    if not query(len(devices), devices, ctypes.byref(count)):
        return False
    displays = [display_of(_EGL_PLATFORM_DEVICE, device, None) for device in devices[: count.value]]
    return any(display and egl.eglInitialize(display, None, None) for display in displays)


def open_context(width: int, height: int) -> GlContext:
    """Return a context current in this thread, with a buffer of `width` x `height` px. Raises SimulationError."""
    backend = choose_backend()
    try:
        context = _context_class(backend)(width, height)
        context.make_current()
    except (ImportError, RuntimeError, AttributeError, OSError) as fault:
        package = _LIBRARIES.get(backend, ("", "libegl1"))[1]
        other = "osmesa" if backend == "egl" else "egl"
        raise SimulationError(
            f"The lab's cameras cannot draw through {backend} on this machine ({fault}). Install its package "
            f"(apt install {package}), or choose another way with the environment variable MUJOCO_GL={other}."
        ) from fault
    return context


def _context_class(backend: str) -> type:
    if backend == "egl":
        from mujoco.egl import GLContext
    elif backend == "osmesa":
        from mujoco.osmesa import GLContext
    else:
        from mujoco.glfw import GLContext
    return GLContext
