"""A report on one slide, for a colleague who has never seen the program."""

from napari_glioma_density.exchange.report.writing import LANGUAGES, write_report

__all__ = ["LANGUAGES", "write_report"]
