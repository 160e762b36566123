"""Scores and cards that a hand or another program wrote are named in one line, or told."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from made_up_findings import SPEC

from napari_glioma_density.errors import ModelError
from napari_glioma_density.exchange.exporting import Format, Wishes, export
from napari_glioma_density.exchange.report import model_notes as notes
from napari_glioma_density.exchange.report.model_notes import model_notes
from napari_glioma_density.exchange.report.words import words_in
from napari_glioma_density.exchange.tables import write_tables
from napari_glioma_density.findings.density_error import density_error
from napari_glioma_density.findings.findings import Findings
from napari_glioma_density.nuclei import kept_metrics

SHA256 = "f" * 64
OURS = replace(SPEC, model="mine", weights_sha256=SHA256)


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "models"
    folder.mkdir()
    for module in (kept_metrics, notes):
        monkeypatch.setattr(module, "user_models_folder", lambda: folder)
    return folder


def keep(models: Path, *data_sets: Any, sha256: str = SHA256) -> None:
    scores = {"model": "mine", "sha256": sha256, "data_sets": data_sets}
    (models / "mine.metrics.json").write_text(json.dumps(scores))


def test_scores_and_card_of_a_models_own_folder_are_told(models: Path) -> None:
    keep(models, {"name": "A", "f1": 0.5, "nucleus_count": {"fields": 3}}, {"name": "B"})
    (models / "mine.md").write_text("# Modèle", encoding="utf-8")
    told = model_notes(OURS)
    assert told.card == "# Modèle"
    assert [(score.name, score.fields, score.f1) for score in told.scores] == [
        ("A", 3, 0.5),
        ("B", None, None),
    ]


@pytest.mark.parametrize("slides", [None, [], ["slide-00000000"], ["this one"]])
def test_a_model_fine_tuned_on_other_slides_alone_is_told_everywhere(
    found: Findings, models: Path, slides: list[str] | None
) -> None:
    keep(models, sha256=found.spec.weights_sha256)
    if slides is not None:
        kept = json.loads((models / "mine.metrics.json").read_text())
        named = [found.pseudonym if slide == "this one" else slide for slide in slides]
        kept["fine_tuning"] = {"slides": named}
        (models / "mine.metrics.json").write_text(json.dumps(kept))
    is_told = slides not in (None, ["this one"])
    assert write_tables(models / "tables", found)["tuned_elsewhere"] is is_told
    for language in ("en", "zh"):
        export(found, Format.REPORT, models / "r.html", Wishes(language=language))
        page = (models / "r.html").read_text(encoding="utf-8")
        assert (words_in(language).tuned_elsewhere in page) is is_told
    export(found, Format.CSV, models / "csv")
    about = (models / "csv/about.csv").read_text()
    assert f"tuned_elsewhere,{'yes' if is_told else 'no'}\n" in about


def test_a_card_in_another_encoding_is_named(models: Path) -> None:
    keep(models)
    (models / "mine.md").write_bytes("Modèle de Zürich".encode("cp1252"))
    with pytest.raises(ModelError, match=r"mine\.md: is no UTF-8: save it as UTF-8") as caught:
        model_notes(OURS)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "data_set", [5, {"name": "A", "f1": "high"}, {"name": "A", "nucleus_count": None}]
)
def test_scores_that_are_none_are_named(models: Path, data_set: Any) -> None:
    keep(models, data_set)
    with pytest.raises(ModelError, match=r"mine\.metrics\.json: its scores are not as"):
        model_notes(OURS)


@pytest.mark.parametrize(
    "fields",
    [
        {"patient": ["a"], "true_density_percent": [1.0]},
        {"patient": ["a"], "true_density_percent": [1.0], "predicted_density_percent": [None]},
        {"patient": ["a"], "true_density_percent": [], "predicted_density_percent": [1.0]},
        None,
    ],
)
def test_fields_that_lack_something_are_named(models: Path, fields: Any) -> None:
    keep(models, {"name": "A", "fields": fields})
    with pytest.raises(ModelError, match=r"mine\.metrics\.json.*evaluate --keep") as caught:
        density_error(SHA256)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("to", [Format.CSV, Format.REPORT])
def test_an_export_ends_with_a_line_that_names_the_scores(
    found: Findings, models: Path, to: Format
) -> None:
    keep(models, {"name": "A", "fields": {"patient": []}}, sha256=found.spec.weights_sha256)
    with pytest.raises(ModelError, match=r"mine\.metrics\.json: .*'true_density_percent'"):
        export(found, to, models / "out")
