"""``python -m napari_glioma_density.cli``."""

from napari_glioma_density.cli.app import main

main()
