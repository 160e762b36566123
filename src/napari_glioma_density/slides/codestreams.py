"""Whether compressed pixels are whole, told from the markers among them.

Where a stream is cut or overwritten, decoders only warn and fill in grey or noise; in a slide such
pixels must count as unread. Looking for the markers takes a few hundredths of the decoding time.
"""

import re

JPEG_START = b"\xff\xd8\xff"
JPEG_IN_TIFF = (6, 7, 33007, 34892)
"""By which numbers TIFF knows JPEG streams."""

# In JPEG, 0xFF before a stuffed zero belongs to the pixels, and it may be repeated before a marker.
_ANY_MARKER = re.compile(rb"\xff[^\x00\xff]")
_NO_RESTART = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")
_END, _SCAN = 0xD9, 0xDA
# Tables, scans and comments. Anything else there means foreign bytes, which libjpeg would decode to
# noise.
_BETWEEN_SCANS = frozenset({0xC4, _SCAN, 0xDB, 0xDC, 0xDD, 0xFE})
_SAMPLES_A_ZERO, _SAMPLES_A_ZERO_LOSSLESS = 256, 8
_ZEROS_OF_TABLES = 255
_LOSSLESS_START = b"\xff\xc3"
_BROKEN_OFF_BYTES = 16
_END_MARKER = b"\xff\xd9"
_ENDS_OF_INTERVAL = frozenset(b"\xff%c" % kind for kind in (*range(0xD0, 0xD8), _END))


def has_hole(data: bytes, samples: int) -> bool:
    """Tell whether a stream holds more zeros in a row than so many samples can be compressed to.

    A lost disk sector, or a copy that was never completed, leaves zeros. But zeros are also legal:
    in a JPEG with its own tables, an 8×8 square equal to the one before it takes two bits, which
    may both be zero, so a white tile can compress 256 samples into one zero byte (8 samples if
    lossless). No other compression seen here gets close to that; still, tables, profiles and padded
    JPEG XR hold some zeros. Zeros at the very end do not count, because some writers pad with them.
    """
    is_lossless = data.startswith(JPEG_START) and _LOSSLESS_START in data
    a_zero = _SAMPLES_A_ZERO_LOSSLESS if is_lossless else _SAMPLES_A_ZERO
    most = samples // a_zero + _ZEROS_OF_TABLES
    return bytes(most + 1) in data.rstrip(b"\0")


def is_whole_jpeg(data: bytes) -> bool:
    """Tell whether a JPEG stream ends properly and holds no foreign marker in its scans.

    Segments before the scans are skipped by their stated length, because a camera's preview is
    itself a JPEG with scans and an end marker. Bytes after the end are allowed: cameras write them.
    """
    at, in_scans = 2, False
    while (marker := _NO_RESTART.search(data, at)) is not None:
        kind, at = marker[0][1], marker.end()
        if kind == _END:
            return in_scans
        if in_scans and kind not in _BETWEEN_SCANS:
            return False
        in_scans = in_scans or kind == _SCAN
        at += int.from_bytes(data[at : at + 2], "big")
    return False


def is_whole_interval(data: bytes) -> bool:
    """Tell whether a piece of a JPEG scan reaches from one restart marker to the next.

    Each piece of an NDPI ends with that marker, the last piece with the end of the image, and none
    holds another marker.
    """
    marker = _ANY_MARKER.search(data)
    if marker is None or marker[0] not in _ENDS_OF_INTERVAL:
        return False
    return not data[marker.end() :].strip(b"\0")


def is_whole_jpeg2000(data: bytes) -> bool:
    """Tell whether a JPEG 2000 stream does not break off in a hole of zeros.

    A whole stream ends with an end marker and perhaps a zero or two of padding. Some streams lack
    the marker and decode all the same, so its absence alone proves nothing.
    """
    return data.rstrip(b"\0").endswith(_END_MARKER) or not breaks_off(data)


def breaks_off(data: bytes) -> bool:
    """Tell whether a stream ends in a hole of zeros.

    Whole WebP streams end with few zeros, and so do whole JPEG XR streams whose sides are multiples
    of 16, as tiles' are.
    """
    return data.endswith(bytes(_BROKEN_OFF_BYTES))
