"""A slide is known again by what belongs to it, and by nothing that lies beside."""

from pathlib import Path

from napari_glioma_density.slides.fingerprint import fingerprint_of


def test_what_programs_leave_in_a_dicom_folder_makes_no_other_slide(tmp_path: Path) -> None:
    for name in ("1.dcm", "2.dcm"):
        (tmp_path / name).write_bytes(bytes(128) + b"DICM" + name.encode())
    before = fingerprint_of(tmp_path)
    (tmp_path / ".DS_Store").write_bytes(b"Bud1")
    (tmp_path / "patches.csv").write_text("row,column\n")
    assert fingerprint_of(tmp_path) == before
    (tmp_path / "3.dcm").write_bytes(bytes(128) + b"DICM3")
    assert fingerprint_of(tmp_path) != before


def test_what_programs_leave_beside_mirax_data_makes_no_other_slide(tmp_path: Path) -> None:
    slide, companion = tmp_path / "case.mrxs", tmp_path / "case"
    slide.write_bytes(b"a picture")
    companion.mkdir()
    (companion / "Data0000.dat").write_bytes(b"tiles")
    (companion / "Slidedat.ini").write_text("[GENERAL]")
    before = fingerprint_of(slide)
    (companion / "Thumbs.db").write_bytes(b"thumbs")
    assert fingerprint_of(slide) == before
    (companion / "Data0000.dat").write_bytes(b"other tiles")
    assert fingerprint_of(slide) != before
