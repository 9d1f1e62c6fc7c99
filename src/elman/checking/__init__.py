"""Check what runs here and whether it agrees with itself."""

from elman.checking.health import examine

__all__ = ["examine"]
