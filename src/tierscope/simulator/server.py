"""Running the simulator: in a background thread for tests, in the foreground for `tierscope simulate`."""

import contextlib
import socket
import threading
from pathlib import Path
from types import TracebackType
from typing import Self

import uvicorn

from tierscope.simulator.app import application
from tierscope.simulator.ledger import Ledger
from tierscope.simulator.profile import Profile
from tierscope.simulator.wire import Protocol

LOOPBACK = "127.0.0.1"
_HEADER_BYTES = 4_000_000
"""The most a request's headers may hold: scripts with verbatim bodies travel in one."""

_MESSAGE_BYTES = 64_000_000
"""The most a message over a WebSocket may hold."""


def _config(profile: Profile, ledger: Ledger) -> uvicorn.Config:
    return uvicorn.Config(
        application(profile, ledger),
        http=Protocol,
        ws="auto",  # without the library `websockets` the simulator speaks HTTP alone
        ws_max_size=_MESSAGE_BYTES,
        ws_per_message_deflate=False,
        loop="asyncio",
        lifespan="off",
        log_config=None,
        log_level="critical",  # a dropped connection is an order here, not an error to log
        access_log=False,
        server_header=False,
        h11_max_incomplete_event_size=_HEADER_BYTES,
        timeout_keep_alive=60,
        timeout_graceful_shutdown=1,
    )


def _bound(host: str, port: int) -> socket.socket:
    # Named TCP, or asyncio leaves Nagle's algorithm on and the kernel holds tokens back for up to 40 ms.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((host, port))
    listener.listen(512)
    return listener


class Simulator:
    """A running service on loopback, for `with`: `with Simulator() as sim: OpenAI(base_url=sim.base_url)`.

    `port` 0 takes a free one. `ledger_path` also writes the ledger to SQLite. The listener exists from the start, so a
    client may connect at once.
    """

    def __init__(self, profile: Profile | None = None, port: int = 0, ledger_path: str | Path | None = None) -> None:
        self.profile = profile or Profile.fast()
        self.ledger = Ledger(Path(ledger_path) if ledger_path else None)
        self._port = port
        self._listener: socket.socket | None = None
        self._server = uvicorn.Server(_config(self.profile, self.ledger))
        self._thread: threading.Thread | None = None

    @property
    def port(self) -> int:
        """The port it listens on."""
        return self._port

    @property
    def azure_endpoint(self) -> str:
        """What `AzureOpenAI(azure_endpoint=…)` takes; `azure_endpoint + "/openai/v1"` is Azure's v1 API."""
        return f"http://{LOOPBACK}:{self._port}"

    @property
    def base_url(self) -> str:
        """What `OpenAI(base_url=…)` takes."""
        return f"{self.azure_endpoint}/v1"

    def start(self) -> Self:
        """Starts the server's thread."""
        self._listener = _bound(LOOPBACK, self._port)
        self._port = self._listener.getsockname()[1]
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [self._listener]}, name="tierscope-simulator", daemon=True
        )
        self._thread.start()
        return self

    def stop(self) -> None:
        """Stops the server, at once: replies under way are cut."""
        self._server.should_exit = self._server.force_exit = True
        if self._thread:
            self._thread.join(timeout=10)
        if self._listener:
            self._listener.close()
        self.ledger.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def serve(
    profile: Profile | None = None,
    host: str = LOOPBACK,
    port: int = 4010,
    ledger_path: str | Path | None = None,
) -> None:
    """Runs the simulator until it is interrupted: what `tierscope simulate` calls.

    `profile` is what it pretends to be (default: `Profile.demo()`), `host` and `port` where it listens, `ledger_path`
    a file for its SQLite ledger (table `served`), readable by others meanwhile; None keeps it in memory.
    """
    ledger = Ledger(Path(ledger_path) if ledger_path else None)
    listener = _bound(host, port)
    server = uvicorn.Server(_config(profile or Profile.demo(), ledger))
    # uvicorn raises the signal anew after its own orderly end: nothing is left to do then.
    with contextlib.closing(listener), contextlib.closing(ledger), contextlib.suppress(KeyboardInterrupt):
        server.run(sockets=[listener])
