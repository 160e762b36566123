import pytest

from napari_glioma_density.slides.resolution import (
    Resolution,
    Statement,
    aperio_field,
    aperio_statement,
    ome_statement,
    parse_number,
    resolve,
    tiff_statement,
)


@pytest.mark.parametrize(
    ("text", "number"),
    [("0.499", 0.499), ("0,2527", 0.2527), (" 20 ", 20.0), ("2.5e-1", 0.25), ("40x", None)],
)
def test_numbers_are_read_with_point_or_comma(text: str, number: float | None) -> None:
    assert parse_number(text) == number


def test_aperio_states_mpp_and_objective() -> None:
    description = "Aperio Image Library|AppMag = 20|MPP = 0,499|Left = 25.6"
    assert aperio_statement(description) == Statement("Aperio MPP", 0.499)
    assert aperio_field(description, "AppMag") == 20
    assert aperio_statement("Aperio Image Library|AppMag = 20") is None


@pytest.mark.parametrize(
    ("attributes", "um_per_px"),
    [
        ('PhysicalSizeX="0.25" PhysicalSizeY="0.25"', 0.25),
        ('PhysicalSizeX="250" PhysicalSizeXUnit="nm"', 0.25),
        ('PhysicalSizeX="0.00025" PhysicalSizeXUnit="mm"', 0.25),
        ('PhysicalSizeX="0.25" PhysicalSizeXUnit="&#181;m"', 0.25),
        ('PhysicalSizeX="0.25" PhysicalSizeXUnit="&#xB5;m"', 0.25),
        ("PhysicalSizeX='250' PhysicalSizeXUnit='nm'", 0.25),
    ],
)
def test_ome_states_its_size_in_its_unit(attributes: str, um_per_px: float) -> None:
    statement = ome_statement(f"<OME><Pixels {attributes}/></OME>", 9, 9)
    assert statement is not None
    assert statement.um_per_px == pytest.approx(um_per_px)


def test_ome_states_the_size_of_the_image_that_is_read() -> None:
    other = '<Pixels SizeX="512" SizeY="512" PhysicalSizeX="0.5" PhysicalSizeXUnit="mm"/>'
    own = '<ome:Pixels SizeX="2048" SizeY="1024" PhysicalSizeX="0.25"/>'
    statement = ome_statement(f"<OME><Image>{other}</Image><Image>{own}</Image></OME>", 2048, 1024)
    assert statement is not None
    assert statement.um_per_px == pytest.approx(0.25)
    assert ome_statement(f"<OME>{other}{own}</OME>", 100, 100) is None


def test_tiff_resolution_counts_per_inch_or_centimetre() -> None:
    per_cm = tiff_statement((40_000, 1), (40_000, 1), 3)
    per_inch = tiff_statement((50_800, 1), None, 2)
    assert per_cm is not None
    assert per_cm.um_per_px == pytest.approx(0.25)
    assert per_inch is not None
    assert per_inch.um_per_px == pytest.approx(0.5)
    assert tiff_statement((40_000, 1), None, 1) is None


@pytest.mark.parametrize("single", [40_000.0, (40_000.0,), (40_000,)])
def test_a_resolution_that_is_one_number_counts_as_well(single: object) -> None:
    assert tiff_statement(single, single, 3) == Statement("TIFF resolution", 0.25, 0.25)


@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        (tiff_statement((72, 1), (72, 1), 2), "352.8"),
        (tiff_statement((0, 1000), (0, 1000), 3), "inf"),
        (Statement("OME PhysicalSize", 0.25, 0.5), "0.25 × 0.5"),
        (Statement("Aperio MPP", 0.01), "0.01"),
    ],
)
def test_absurd_statements_are_not_believed_and_the_reason_is_kept(
    statement: Statement, reason: str
) -> None:
    resolution = resolve([statement])
    assert resolution.um_per_px is None
    assert resolution.source.startswith("not believable: ")
    assert reason in resolution.source


def test_the_first_believable_statement_is_taken() -> None:
    absurd, sound = Statement("Aperio MPP", 0.0), Statement("TIFF resolution", 0.5)
    assert resolve([None, absurd, sound]) == Resolution(0.5, "TIFF resolution")
    assert resolve([None]) == Resolution(None, "not stated")
