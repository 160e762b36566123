"""GeoJSON as QuPath writes and reads it: level-0 px, origin at the top left, typed objects."""

from napari_glioma_density.exchange.geojson.nucleus_labels import nuclei_as_labels
from napari_glioma_density.exchange.geojson.reading import Imported, NucleusOutline, read_geojson
from napari_glioma_density.exchange.geojson.writing import GeojsonReport, write_geojson

__all__ = [
    "GeojsonReport",
    "Imported",
    "NucleusOutline",
    "nuclei_as_labels",
    "read_geojson",
    "write_geojson",
]
