"""``glioma-density models``: the models that can be chosen."""

from dataclasses import asdict
from typing import Any

from napari_glioma_density.cli.console import AsJson, print_json, say


def models(as_json: AsJson = False) -> None:
    """List the models: shipped ones and those of the user's own folder."""
    from napari_glioma_density.nuclei.networks.unet import patch_gflop
    from napari_glioma_density.nuclei.registry import Model, list_models

    def row(model: Model) -> dict[str, Any]:
        spec = asdict(model.spec)
        named = ("name", "title", "architecture", "base_width", "um_per_px", "input", "licence")
        return {
            **{name: spec[name] for name in named},
            "default": model.default,
            "research_only": model.spec.research_only,
            "threshold": model.spec.threshold,
            "other_organs_threshold": model.spec.for_organ("other").threshold,
            "views": model.spec.views,
            "soft_views": model.spec.soft_views,
            "magnified": model.spec.magnified,
            "gflop_per_patch": patch_gflop(model.spec),
            "sha256": model.sha256,
            "metrics": model.metrics,
        }

    rows = [row(model) for model in list_models()]
    if as_json:
        print_json({"models": rows})
        return
    for entry in rows:
        mark = "  (default)" if entry["default"] else ""
        mark += "  (research only)" if entry["research_only"] else ""
        work = f"{entry['gflop_per_patch']:.0f} GFLOP a patch"
        say(f"{entry['name']:<16}{entry['title']}, {work}{mark}\n")
