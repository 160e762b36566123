"""``python -m napari_glioma_density``: the command ``glioma-density``."""

from napari_glioma_density.cli import main

if __name__ == "__main__":  # processes begun for a GPU import it once more
    main()
