"""One-file HTML: the frame that explanations, worked examples and reports share."""

from elman.pages.frame import frame

__all__ = ["frame"]
