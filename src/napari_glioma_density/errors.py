"""The few errors this package raises on purpose.

Every message is one line that names the file or thing, says what is wrong with it, and what to
do about it. The command line prints that line and exits with status 2; the dock shows it.
"""


class GliomaDensityError(Exception):
    """Base of all errors raised on purpose by this package."""


class BadInput(GliomaDensityError):
    """Something the user gave cannot be used; the message says what and what to do."""


class SlideError(BadInput):
    """A slide is absent, unreadable, or not something this program can measure."""


class UndecodableSlide(SlideError):
    """A slide whose pixels nothing at hand decodes, this program or another."""


class ModelError(BadInput):
    """A model is unknown, its weights are damaged, or they do not fit its specification."""


class NoRoom(ModelError):
    """What a network looks at does not fit into the memory of its device."""


class StoreError(BadInput):
    """Results cannot be read or written: damaged store, full disk, store in use."""


class StoreInUse(StoreError):
    """Another window or program writes there now; reading goes on."""


class DataSetError(BadInput):
    """A data set on disk breaks the layout: missing label, wrong size, no µm/px."""
