"""``tierscope run`` around real programs: their output, status, signals and settings stay their own."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tierscope.cli.launch import environment
from tierscope.simulator import Profile, Simulator

TIERSCOPE = (sys.executable, "-c", "from tierscope.cli import main; main()")
CALL = """
import openai
with openai.OpenAI() as client:
    client.chat.completions.create(model="gpt-4.1", service_tier="priority", messages=[])
print("done")
"""


@pytest.fixture(scope="module")
def service() -> Iterator[dict[str, str]]:
    """The environment of a program that talks to a simulated service."""
    with Simulator(Profile.fast()) as simulator:
        yield {
            **{name: value for name, value in os.environ.items() if not name.startswith(("OTEL_", "TIERSCOPE_"))},
            "OPENAI_BASE_URL": simulator.base_url,
            "OPENAI_API_KEY": "k",
            "TIERSCOPE_TRUSTED_HOSTS": "127.0.0.1=openai",
        }


def run(env: dict[str, str], folder: Path, code: str, *options: str) -> subprocess.CompletedProcess[str]:
    """Run a piece of Python under `tierscope run`."""
    command = [*TIERSCOPE, "run", *options, "--", sys.executable, "-c", code]
    return subprocess.run(command, env=env, cwd=folder, capture_output=True, text=True, check=False)


def test_it_shows_what_a_program_was_served(service: dict[str, str], tmp_path: Path) -> None:
    """The program's output is its own; the summary goes to the standard error; the ledger is named."""
    done = run(service, tmp_path, CALL)
    assert (done.returncode, done.stdout) == (0, "done\n")
    assert "gpt-4.1" in done.stderr
    assert "No downgrade: 1 call got the tier that was expected." in done.stderr
    assert done.stderr.rstrip().endswith("tierscope report calls.db")
    assert "Traceback" not in done.stderr


def test_only_the_calls_of_this_run_are_summed_up(service: dict[str, str], tmp_path: Path) -> None:
    """The ledger keeps all runs, the summary shows one; the report shows all."""
    run(service, tmp_path, CALL, "--ledger", "mine.db")
    second = run(service, tmp_path, CALL, "--ledger", "mine.db")
    report = subprocess.run([*TIERSCOPE, "report", "mine.db"], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert "\n1 call, 1 attempt" in second.stderr
    assert "\n2 calls, 2 attempts" in report.stdout


@pytest.mark.parametrize(("code", "status"), [("raise SystemExit(7)", 7), ("import os; os.kill(os.getpid(), 9)", 137)])
def test_the_status_is_the_programs(service: dict[str, str], tmp_path: Path, code: str, status: int) -> None:
    """Its exit status, or 128 + the signal that ended it."""
    done = run(service, tmp_path, code)
    assert done.returncode == status
    assert "No call was recorded." in done.stderr


def test_a_program_that_is_not_there(service: dict[str, str], tmp_path: Path) -> None:
    """One line and the status of a shell."""
    command = [*TIERSCOPE, "run", "--", "no-such-program"]
    done = subprocess.run(command, env=service, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (127, "tierscope: no-such-program: no such program\n")


def test_a_file_that_is_no_ledger_stops_it_before_the_program_starts(service: dict[str, str], tmp_path: Path) -> None:
    """The file keeps its bytes, the program does not run unobserved."""
    (tmp_path / "notes.txt").write_text("important", encoding="utf-8")
    done = run(service, tmp_path, "print('ran')", "--ledger", "notes.txt")
    assert (done.returncode, done.stdout) == (1, "")
    assert "notes.txt is not a ledger" in done.stderr
    assert (tmp_path / "notes.txt").read_text(encoding="utf-8") == "important"


def test_a_term_is_handed_on(service: dict[str, str], tmp_path: Path) -> None:
    """A supervisor that stops us stops the program; what it recorded is shown."""
    code = f"{CALL}\nimport time, sys\nsys.stdout.flush()\ntime.sleep(60)"
    command = [*TIERSCOPE, "run", "--", sys.executable, "-u", "-c", code]
    process = subprocess.Popen(
        command, env=service, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "done\n"
    time.sleep(0.5)  # the ledger writes every 0.2 s; a TERM runs no exit handlers
    process.send_signal(signal.SIGTERM)
    _, said = process.communicate(timeout=20)
    assert process.returncode == 128 + signal.SIGTERM
    assert "1 call, 1 attempt" in said


def test_on_a_terminal_the_table_is_live(service: dict[str, str], tmp_path: Path) -> None:
    """The program still sees a terminal, its lines appear once, and the table is drawn while it runs."""
    code = f"{CALL}\nimport sys, time\nprint('terminal', sys.stdout.isatty())\ntime.sleep(1.5)"
    ours, theirs = pty.openpty()
    command = [*TIERSCOPE, "run", "--", sys.executable, "-c", code]
    process = subprocess.Popen(
        command, env={**service, "TERM": "xterm", "COLUMNS": "100"}, cwd=tmp_path, stdout=theirs, stderr=theirs
    )
    os.close(theirs)
    seen = b""
    while True:
        try:
            piece = os.read(ours, 65_536)
        except OSError:
            break
        if not piece:
            break
        seen += piece
    os.close(ours)
    assert process.wait(timeout=20) == 0
    text = seen.decode()
    assert text.count("terminal True") == 1
    assert "1 calls, 0 downgraded" in text or "1 call, 0 downgraded" in text
    assert text.index("0 downgraded") < text.index("tierscope report")
    assert text.count("List price of 1 call") >= 2  # below the live table, and in the summary


def test_the_users_own_export_stays(tmp_path: Path) -> None:
    """Exporters are silenced only where the environment names none; stream usage only where it is not set."""
    ledger = tmp_path / "a.db"
    bare = environment({"PATH": "/bin"}, ledger)
    assert {name: value for name, value in bare.items() if name.startswith("OTEL_")} == {
        "OTEL_TRACES_EXPORTER": "none",
        "OTEL_METRICS_EXPORTER": "none",
        "OTEL_LOGS_EXPORTER": "none",
    }
    assert bare["TIERSCOPE_STREAM_USAGE"] == "auto"
    for name in ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_METRICS_EXPORTER", "OTEL_CONFIG_FILE"):
        own = environment({name: "x", "TIERSCOPE_STREAM_USAGE": "never"}, ledger)
        assert own == {name: "x", "TIERSCOPE_STREAM_USAGE": "never", "TIERSCOPE_LEDGER": str(ledger)}


def test_the_command_line_needs_its_extra(tmp_path: Path) -> None:
    """Without click: one line that says what to install."""
    code = "import sys; sys.modules['click'] = None\nfrom tierscope.cli import main; main()"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (2, "tierscope: click is missing: install tierscope[cli]\n")


def test_a_report_as_json(service: dict[str, str], tmp_path: Path) -> None:
    """The figures of a run, for a machine."""
    run(service, tmp_path, CALL)
    done = subprocess.run(
        [*TIERSCOPE, "report", "--json", "calls.db"], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout)["outcomes"] == {"honored": 1}
