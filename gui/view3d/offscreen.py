"""pyqtgraph 3-D view as an ordinary widget: rendered offscreen and shown as an image.

With a QOpenGLWidget, Qt would compose the whole window on the GPU at every change of any widget. Without a fast GPU, as
in a virtual machine, that costs tens of milliseconds per frame and makes the window sluggish.
"""

import time
from functools import cache

from OpenGL import GL
from pyqtgraph.opengl.GLViewWidget import GLViewMixin
from PySide6.QtCore import QTimer
from PySide6.QtGui import QImage, QOffscreenSurface, QOpenGLContext, QPainter, QPaintEvent, QResizeEvent, QSurfaceFormat
from PySide6.QtOpenGL import QOpenGLFramebufferObject, QOpenGLFramebufferObjectFormat
from PySide6.QtWidgets import QApplication, QWidget

_SAMPLES = 4  # per pixel, for antialiasing, where a GPU renders
_COARSE = 160_000  # px of a view rendered on the CPU while it moves
_RESTS = 0.3  # s without a change
_KEPT = 2
_SOFTWARE = (b"llvmpipe", b"softpipe", b"swiftshader")  # Mesa's and Chrome's CPU renderers: one sample


class OffscreenView(GLViewMixin, QWidget):
    """Add pyqtgraph's GL items; redrawn only after `update()`. Dragging rotates the view, the wheel zooms.

    With CPU rendering, a large view is drawn at low resolution while it moves and at full resolution once it rests.
    """

    def __init__(self, parent: QWidget | None = None):
        self._stale, self._image = True, QImage()
        self._targets: dict[tuple[int, int], QOpenGLFramebufferObject] = {}
        self._drawn_at = 0.0
        self.drawn = 0  # number of renderings
        super().__init__(parent)
        self._finer = QTimer(self, singleShot=True, interval=round(1000 * _RESTS))
        self._finer.timeout.connect(self.update)

    # --- required by the mixin ---

    def isValid(self) -> bool:
        return False  # items are initialised when they are first drawn

    def context(self) -> QOpenGLContext:
        return _offscreen()[0]

    def update(self, *where) -> None:
        """Mark the scene as changed and schedule a redraw."""
        self._stale = True
        super().update(*where)

    # --- Qt ---

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._stale = True

    def paintEvent(self, event: QPaintEvent) -> None:
        if self._stale and self.width() > 0 and self.height() > 0:
            self._stale = False
            self._image = self._draw()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.drawImage(self.rect(), self._image)
        painter.end()

    def _draw(self) -> QImage:
        context, surface = _offscreen()
        if not context.makeCurrent(surface):
            return QImage()  # without OpenGL the view stays empty; everything else works
        try:
            target = self._target(self._size())
            target.bind()
            GL.glViewport(0, 0, target.width(), target.height())
            self.initializeGL()
            self.paintGL()
            target.release()
            self.drawn += 1
            return target.toImage()
        finally:
            context.doneCurrent()

    def _size(self) -> tuple[int, int]:
        """Return the size in px of the next rendering; a context must be current."""
        ratio = self.devicePixelRatioF()
        wide, high = self.width() * ratio, self.height() * ratio
        now = time.monotonic()
        moves, self._drawn_at = now - self._drawn_at < _RESTS, now
        if _on_processor() and moves and wide * high > _COARSE:
            shrink = (_COARSE / (wide * high)) ** 0.5
            wide, high = wide * shrink, high * shrink
            self._finer.start()
        return max(1, round(wide)), max(1, round(high))

    def _target(self, size: tuple[int, int]) -> QOpenGLFramebufferObject:
        """Return the framebuffer of this size; the coarse and the fine one are cached."""
        if size not in self._targets:
            if len(self._targets) >= _KEPT:
                self._targets.clear()
            form = QOpenGLFramebufferObjectFormat()
            form.setAttachment(QOpenGLFramebufferObject.Attachment.CombinedDepthStencil)
            form.setSamples(0 if _on_processor() else _SAMPLES)
            self._targets[size] = QOpenGLFramebufferObject(*size, form)
        return self._targets[size]


@cache
def _on_processor() -> bool:
    """Return whether OpenGL renders on the CPU; a context must be current."""
    renderer = GL.glGetString(GL.GL_RENDERER) or b""
    return any(name in renderer.lower() for name in _SOFTWARE)


@cache
def _offscreen() -> tuple[QOpenGLContext, QOffscreenSurface]:
    """Return the process's only context: pyqtgraph shares its shaders between all views."""
    wanted = QSurfaceFormat()
    wanted.setDepthBufferSize(24)
    app = QApplication.instance()
    surface = QOffscreenSurface(None, app)
    surface.setFormat(wanted)
    surface.create()
    context = QOpenGLContext(app)
    context.setFormat(surface.format())
    context.create()
    return context, surface
