"""Having bytes written to the disk while more of them come, so that nobody has to wait for all of them at the end."""

import ctypes

# So many bytes are handed over at once.
STEP = 8 * 1024 * 1024

# Linux has it. Elsewhere the system begins when it likes.
_BEGIN = getattr(ctypes.CDLL(None), "sync_file_range", None)
if _BEGIN is not None:
    _BEGIN.argtypes = [ctypes.c_int, ctypes.c_int64, ctypes.c_int64, ctypes.c_uint]
_WRITE = 2


def begin(handle: int, start: int, stop: int) -> None:
    """Begins to write out these bytes of a file, and waits for none. It is a hint: that it failed is told later."""
    if _BEGIN is not None and start < stop:
        _BEGIN(handle, start, stop - start, _WRITE)
