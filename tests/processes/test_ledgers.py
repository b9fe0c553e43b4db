"""One ledger in many hands: writers that are killed, and a file that is moved or removed under all of them."""

from __future__ import annotations

import pytest
from tests.ledger.made import numbers
from tests.processes.conftest import Place


def test_five_writers_of_whom_two_are_killed(place: Place) -> None:
    """SIGKILL and SIGTERM in the middle of writing: their committed rows stay, the others lose and double none."""
    code = """
from tierscope.ledger import sink, store
sink.EVERY_S = 0.001
call(client(), "first")
def write(name, times):
    tierscope.instrument()
    ask(name, times)
children = [fork(lambda: write(name, 10**6)) for name in ("killed", "ended")]
children += [fork(lambda: write(f"w{n}", 60), to_the_end=True) for n in range(3)]
def rows(name):
    db = store.open_to_read("calls.db")
    return db.execute("SELECT count(*) FROM calls WHERE request_model = ?", (name,)).fetchone()[0] if db else 0
while not os.path.exists("calls.db") or min(rows("killed"), rows("ended")) < 20: time.sleep(0.01)
os.kill(children[0], signal.SIGKILL)
os.kill(children[1], signal.SIGTERM)
print(wait(*children))
"""
    done = place.run(code, TIERSCOPE_LEDGER="calls.db")
    assert (done.status, done.out, done.err) == (0, "[-9, -15, 0, 0, 0]\n", "")
    rows, asked = place.rows, place.said.asked
    assert {name: rows[name] for name in ("w0", "w1", "w2")} == dict.fromkeys(("w0", "w1", "w2"), 60)
    for name in ("killed", "ended"):
        assert 20 <= rows[name] <= asked[name]


MOVES = {
    "moved": "os.rename('calls.db', 'old.db')",
    "removed": "os.unlink('calls.db')",
    "removed with all that SQLite keeps": "[os.unlink(name) for name in os.listdir() if name.startswith('calls.db')]",
}


@pytest.mark.parametrize("move", MOVES.values(), ids=MOVES)
def test_a_ledger_that_is_taken_away_from_three_writers(place: Place, move: str) -> None:
    """Each says so once and goes on in a new file, both files are whole, and no row of a moved one is lost."""
    code = """
from tests.ledger.made import numbered
from tierscope.ledger import LedgerSink, sink, store
sink.EVERY_S = 0.005
def write(first):
    ledger, number = LedgerSink("calls.db"), first
    while not os.path.exists("over"):
        ledger.ended(numbered(number))
        number += 1
        time.sleep(0.001)
    ledger.flush()
    os.write(1, f"{first} {number}\\n".encode())
def writers():
    db = store.open_to_read("calls.db") if os.path.exists("calls.db") else None
    return {number // 10**6 for (number,) in db.execute("SELECT started_unix_ns FROM calls")} if db else set()
children = [fork(lambda: write(n * 10**6)) for n in range(3)]
for act in (lambda: MOVE, lambda: open("over", "w").close()):
    while writers() != {0, 1, 2}: time.sleep(0.01)
    act()
assert wait(*children) == [0, 0, 0]
"""
    done = place.run(code.replace("MOVE", move))
    assert done.status == 0, done.err
    assert [line.count("TIERSCOPE_LEDGER=calls.db was moved or removed") for line in done.err.splitlines()] == [1, 1, 1]
    written = {number for line in done.out.splitlines() for number in range(*map(int, line.split()))}
    old = place.folder / "old.db"
    found = [*numbers(place.ledger), *(numbers(old) if old.exists() else [])]
    assert len(set(found)) == len(found)
    lost = sorted(written.difference(found))
    assert lost == [] if old.exists() else 0 < len(lost) < len(written)
