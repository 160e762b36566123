"""Numbers as people read them."""

from napari_glioma_density.findings.written import count, decimal, signed, span


def test_a_minus_is_no_hyphen_and_nothing_has_no_sign() -> None:
    assert (decimal(-0.526, 2), decimal(-0.001, 1)) == ("\N{MINUS SIGN}0.53", "0.0")
    assert (signed(2.06, 1), signed(-3, 0), signed(-0.01, 1)) == ("+2.1", "\N{MINUS SIGN}3", "0.0")


def test_thousands_of_a_count_are_apart() -> None:
    assert (count(2832), count(999.6), count(999)) == (
        "2\N{THIN SPACE}832",
        "1\N{THIN SPACE}000",
        "999",
    )


def test_an_interval_is_written_in_one_way_a_language() -> None:
    assert span((8.1, 21.84), 1) == "8.1 to 21.8"
    assert span((-7.3, 3.9), 1, with_signs=True) == "\N{MINUS SIGN}7.3 to +3.9"
    assert span((0.4, 0.6), 2, language="zh") == "0.40 至 0.60"
