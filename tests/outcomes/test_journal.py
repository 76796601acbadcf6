"""The journal: what is written is there, half a line is not, and there is one writer."""

from __future__ import annotations

import os
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.errors import InputError
from penstock.outcomes.journal import Entry, Journal, journal_key
from penstock.types import Answer, Status, Usage

answers = st.builds(
    Answer,
    candidate=st.text(max_size=5),
    text=st.text(max_size=20),
    status=st.sampled_from([Status.ANSWERED, Status.REFUSED, Status.FAILED]),
    usage=st.builds(Usage, st.integers(0, 99), st.integers(0, 99), st.integers(0, 9)),
    cost_usd=st.none() | st.floats(0, 10),
    logprobs=st.none() | st.lists(st.floats(-20, 0), max_size=4).map(tuple),
    extracted=st.none() | st.text(max_size=4),
    error=st.none() | st.text(max_size=4),
)
entries = st.builds(
    Entry, st.sampled_from(["k1", "k2", "k3", "k4"]), st.text(max_size=4), st.integers(0, 3), answers
)


def entry(key: str, text: str = "x", cost: float = 0.1) -> Entry:
    return Entry(key, "q", 0, Answer("m", text, cost_usd=cost))


def test_a_journal_of_before_confidences_is_read() -> None:
    entry = Entry("k", "q", 0, Answer("a", "4", confidence=0.5))
    line = entry.line()
    assert Entry.parse(line) == entry
    before = line.replace(b',"confidence":0.5', b"")
    assert before != line
    assert Entry.parse(before).answer == Answer("a", "4")


@given(st.lists(entries, max_size=6), st.integers(0, 200))
@settings(max_examples=50)
def test_what_was_written_is_read_and_a_torn_line_is_dropped(
    tmp_path_factory: pytest.TempPathFactory, drawn: list[Entry], torn: int
) -> None:
    path = tmp_path_factory.mktemp("journal") / "j.jsonl"
    with Journal(path) as journal:
        journal.append(drawn)
        journal.append([entry("last")])
    whole = path.read_bytes()
    cut = max(len(whole) - 1 - torn, 0)
    kept = whole[:cut].count(b"\n")
    path.write_bytes(whole[:cut])
    with Journal(path) as journal:
        assert dict(journal.entries) == {e.key: e for e in [*drawn, entry("last")][:kept]}
        journal.append([entry("after")])
    with Journal(path) as journal:
        assert journal.entries["after"] == entry("after")
        assert len(path.read_bytes().splitlines()) == kept + 1


def test_later_lines_replace_earlier_ones_but_all_money_counts(tmp_path: Path) -> None:
    with Journal(tmp_path / "j") as journal:
        journal.append([entry("k", "old", 0.1), entry("k", "new", 0.2)])
        assert journal.entries["k"].answer.text == "new"
        assert journal.spent_usd == Decimal("0.3")
    with Journal(tmp_path / "j") as journal:
        assert (journal.entries["k"].answer.text, journal.spent_usd) == ("new", Decimal("0.3"))


@pytest.mark.parametrize("line", [b"{}\n", b"not json\n", b'{"key": 1}\n', b"\xff\n"])
def test_a_damaged_line_in_the_middle_names_itself(line: bytes, tmp_path: Path) -> None:
    (tmp_path / "j").write_bytes(entry("a").line() + line + entry("b").line())
    with pytest.raises(InputError, match="row 2: a damaged line"), Journal(tmp_path / "j"):
        pass


def test_one_writer_at_a_time(tmp_path: Path) -> None:
    with Journal(tmp_path / "j"):
        with pytest.raises(InputError, match="another collection"), Journal(tmp_path / "j"):
            pass
        other = "import sys; from pathlib import Path; from penstock.outcomes.journal import Journal\n"
        other += "with Journal(Path(sys.argv[1])): pass"
        done = subprocess.run(
            [sys.executable, "-c", other, tmp_path / "j"], capture_output=True, text=True, check=False
        )
        assert "another collection is writing" in done.stderr
    with Journal(tmp_path / "j"):
        pass


def test_a_failed_write_leaves_no_half_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write = os.write
    with Journal(tmp_path / "j") as journal:
        journal.append([entry("a")])

        def half(file: int, data: bytes) -> int:
            if len(data) > 10:
                return write(file, data[:10])
            raise OSError("disk full")

        with monkeypatch.context() as patch:
            patch.setattr("penstock.outcomes.journal.os.write", lambda f, d: half(f, d[:20]))
            with pytest.raises(InputError, match=r"cannot be written \(disk full\)"):
                journal.append([entry("b")])
        journal.append([entry("c")])
    with Journal(tmp_path / "j") as journal:
        assert set(journal.entries) == {"a", "c"}


def test_keys_tell_everything_apart() -> None:
    hi, ho = ({"role": "user", "content": "hi"},), ({"role": "user", "content": "ho"},)
    keys = {
        journal_key("q", hi, "m", {"t": 0}, 0),
        journal_key("p", hi, "m", {"t": 0}, 0),
        journal_key("q", ho, "m", {"t": 0}, 0),
        journal_key("q", hi, "n", {"t": 0}, 0),
        journal_key("q", hi, "m", {"t": 1}, 0),
        journal_key("q", hi, "m", {"t": 0}, 1),
    }
    assert len(keys) == 6
    assert journal_key("q", hi, "m", {"a": 1, "b": 2}, 0) == journal_key("q", hi, "m", {"b": 2, "a": 1}, 0)
