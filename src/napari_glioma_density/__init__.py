"""Nuclear density maps of glioma whole-slide images in napari."""

from importlib.metadata import version

__version__ = version("napari-glioma-density")
__all__ = ["__version__"]
