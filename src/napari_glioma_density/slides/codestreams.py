"""Whether compressed pixels are whole, told from the markers among them.

Decoders warn of streams that are cut or overwritten and go on with grey or noise; in a slide such
pixels must count as unread. To look for markers takes a hundredth of the time of decoding.
"""

import re

# Inside a JPEG scan 0xFF is followed by a stuffed zero, a restart, or (between progressive scans)
# a table or a new scan. Anything else means foreign bytes, which libjpeg would decode to noise.
_FOREIGN_MARKER = re.compile(rb"\xff(?![\x00\xff\xc4\xd0-\xd9\xda-\xdd\xfe])", re.DOTALL)
_JPEG_END = b"\xff\xd9"
# A stuffed zero belongs to the pixels, and 0xFF may be repeated before a marker.
_ANY_MARKER = re.compile(rb"\xff[^\x00\xff]")
_ENDS_OF_INTERVAL = frozenset({*(b"\xff%c" % restart for restart in range(0xD0, 0xD8)), _JPEG_END})


def is_whole_jpeg(data: bytes) -> bool:
    """Tell whether a JPEG stream ends properly and holds no foreign marker in its scans."""
    scan = data.find(b"\xff\xda")
    ends = data.rfind(_JPEG_END, scan)
    return 0 < scan < ends and _FOREIGN_MARKER.search(data, scan, ends) is None


def is_whole_interval(data: bytes) -> bool:
    """Tell whether a piece of a JPEG scan reaches from one restart marker to the next.

    Of NDPI's pieces the first marker is the end of the one before; their own first and only one
    is a restart, or the end of the image.
    """
    marker = _ANY_MARKER.search(data)
    if marker is None or marker[0] not in _ENDS_OF_INTERVAL:
        return False
    return not data[marker.end() :].strip(b"\0")
