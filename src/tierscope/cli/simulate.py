"""``tierscope simulate``: the simulated service in the foreground."""

from __future__ import annotations

import errno
import socket
import sqlite3
from dataclasses import replace
from pathlib import Path

import click

from tierscope.cli.profiles import adjusted, profile_options

_LAST_PORT = 65_535
_WAIT_MS = 1_000


@click.command(short_help="Run the simulated service.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=click.IntRange(0, _LAST_PORT), default=8089, show_default=True, help="0 takes a free one.")
@click.option(
    "--profile",
    "name",
    type=click.Choice(["demo", "fast"]),
    default="demo",
    show_default=True,
    help="What it pretends.",
)
@click.option(
    "--ledger",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Also write its own truth to this file; what it holds already counts as served, too.",
)
@click.option(
    "--admin-429", type=click.IntRange(min=0), default=0, help="Refuse so many requests of the admin API first."
)
@profile_options
def simulate(
    host: str,
    port: int,
    name: str,
    ledger: Path | None,
    seed: int | None,
    time_scale: float | None,
    ramp_window: float | None,
    admin_429: int,
) -> None:
    """Run an OpenAI-compatible service whose tiers behave as the documents say, until it is interrupted."""
    from tierscope.simulator import Profile, serve  # noqa: PLC0415  starlette and uvicorn only where they are needed

    port = _port_of(host, port)
    click.echo(f"Simulated service ({name}): http://{host}:{port}/v1 and, as Azure, http://{host}:{port}")
    click.echo(
        f"Use it: OPENAI_BASE_URL=http://{host}:{port}/v1 OPENAI_API_KEY=none TIERSCOPE_TRUSTED_HOSTS={host}=openai"
    )
    if ledger is not None:
        click.echo(f"What it served is written to {ledger} (table served).")
    try:
        profile = Profile.fast() if name == "fast" else Profile.demo()
        faults = replace(profile.faults, admin_429=admin_429, retry_after_ms=profile.faults.retry_after_ms or _WAIT_MS)
        profile = replace(profile, faults=faults) if admin_429 else profile
        serve(adjusted(profile, seed, time_scale, ramp_window), host, port, ledger)
    except OSError as error:
        raise _no_listener(host, port, error) from None
    except sqlite3.Error as error:
        raise click.ClickException(f"cannot write {ledger}: {error}") from None


def _port_of(host: str, port: int) -> int:
    """The port to listen on, a free one for 0; tried before it is announced.

    Raises:
        click.ClickException: it is taken, or the host is none of this machine.

    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the service itself: a port just left is free
        try:
            probe.bind((host, port))
        except OSError as error:
            raise _no_listener(host, port, error) from None
        free: int = probe.getsockname()[1]
        return free


def _no_listener(host: str, port: int, error: OSError) -> click.ClickException:
    remedy = "; --port 0 takes a free one" if error.errno == errno.EADDRINUSE else ""
    return click.ClickException(f"cannot listen on {host}:{port}: {error.strerror or error}{remedy}")
