"""When the network last brought something to a response, where the system tells."""

from __future__ import annotations

import contextlib
import socket
import struct
import sys
from typing import Any, Final

_TCP_INFO: Final = struct.Struct("=52xI")
"""Linux: ``struct tcp_info`` up to ``tcpi_last_data_recv``, milliseconds since the last segment with data (tcp(7))."""
_MS: Final = 1_000_000


def silence(stream: Any) -> int | None:
    """Return for how many nanoseconds nothing has come on the connection of a response; ``None`` where nobody knows.

    Args:
        stream: the ``network_stream`` among the response's extensions (httpx, httpx2). Where other responses share it
            (HTTP/2) the answer may be too short, and never too long.

    """
    if sys.platform != "linux" or stream is None:
        return None
    with contextlib.suppress(AttributeError, OSError, struct.error):  # no TCP, closed already, a stream of a test
        told = stream.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCP_INFO.size)
        return int(_TCP_INFO.unpack(told)[0]) * _MS
    return None
