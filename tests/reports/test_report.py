"""The report: from a run folder alone, offline, escaped, whole also where the run is not."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from elman.errors import FolderError
from elman.reports import print_results, write_report
from elman.storage import to_json

EVIL = "<script>alert('x')</script>"


def results(text: str = "Anna") -> dict[str, Any]:
    item = {"text": text, "new": True, "copied_span": 3, "category": None}
    table = {
        "temperature": 1.0, "items": [item, {**item, "text": "Bo", "new": False, "category": "Czech"}], "drawn": 200,
        "share_new": 0.5, "repetition": 0.25, "longest_copied_span": 4, "mean_copied_span": 2.5,
    }  # fmt: skip
    return {
        "test": {"nats": 20.0, "count": 10, "nats_per_symbol": 2.0, "bits_per_symbol": 2.885, "perplexity": 7.389},
        "samples": [{**table, "top_k": k} for k in (1, 3, 5, None)],
        "seconds": 12.5,
        "parameters": 1234,
        "corpus": {
            "title": "Names",
            "digest": "ab" * 32,
            "notes": ["2 lines were left out"],
            "train": 80,
            "validation": 10,
            "test": 10,
            "symbols": 30,
        },
    }


def run_folder(path: Path, *, title: str = "A run", text: str = "Anna", epochs: int = 3, ended: bool = True) -> Path:
    path.mkdir()
    (path / "recipe.toml").write_text(
        f"title = {json.dumps(title)}\nabout = 'x'\n[training]\nrate = 0.1\n[data]\nsource = 'names'\n"
    )
    rows = [
        {
            "kind": "epoch", "epoch": e, "step": 10 * e, "train_nats": 100.0 / e, "train_count": 50, "validation_nats": 30.0 / e,
            "validation_count": 10, "rate": 0.1, "gradient_norm": {"median": 1.0, "max": 2.0}, "clipped": 0, "skipped": 0, "best": True,
        }
        for e in range(1, epochs + 1)
    ]  # fmt: skip
    rows.append(
        {"kind": "nonfinite", "epoch": 1, "step": 3, "batch": 3, "key": None, "tensor": "gradient of x", "value": "nan"}
    )
    (path / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (path / "timing.jsonl").write_text('{"epoch": 1, "seconds": 61.0, "symbols": 10}\n')
    if ended:
        (path / "results.json").write_bytes(to_json(results(text)))
    return path


class Whole(HTMLParser):
    """Every tag that is opened is closed, and every id is there once."""

    EMPTY = frozenset({"meta", "link", "br"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.references: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.ids += [found["id"]] if found.get("id") else []
        self.references += [v for k in ("src", "href") if (v := found.get(k))]
        if tag not in self.EMPTY:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def parsed(page: str) -> Whole:
    parser = Whole()
    parser.feed(page)
    assert parser.open == []
    assert len(set(parser.ids)) == len(parser.ids)
    return parser


def test_the_page_is_whole_and_needs_no_network(tmp_path: Path) -> None:
    page = write_report(run_folder(tmp_path / "run")).read_text("utf-8")
    assert parsed(page).references == ["data:,"]
    for expected in ("A run", "2.0000", "in training set", "new, 3 copied", "top-k 5", "unrestricted"):
        assert expected in page
    for expected in ("training.rate", "2 lines were left out", "1 min 1 s"):
        assert expected in page
    assert "gradient of x was nan" in page
    # Plotly's code holds addresses that it never asks for unless told to; ours holds none.
    own = page[page.index("<main>") :]
    assert "http" not in own.replace("http://www.w3.org", "")


def test_what_a_model_or_a_stranger_writes_is_text(tmp_path: Path) -> None:
    page = write_report(run_folder(tmp_path / "run", title=EVIL, text=EVIL)).read_text("utf-8")
    assert EVIL not in page
    assert page.count("&lt;script&gt;alert(&#x27;x&#x27;)&lt;/script&gt;") >= 6
    parsed(page)


def test_a_run_that_was_stopped_has_a_report_that_says_so(tmp_path: Path) -> None:
    page = write_report(run_folder(tmp_path / "run", ended=False)).read_text("utf-8")
    assert "has not ended" in page
    parsed(page)
    bare = run_folder(tmp_path / "bare", ended=False)
    (bare / "metrics.jsonl").unlink()
    (bare / "timing.jsonl").unlink()
    assert "No epoch has ended yet" in write_report(bare).read_text("utf-8")


def test_a_folder_that_is_no_run(tmp_path: Path) -> None:
    with pytest.raises(FolderError, match=r"no recipe\.toml"):
        write_report(tmp_path)
    run = run_folder(tmp_path / "run")
    (run / "recipe.toml").write_text("not = [toml")
    with pytest.raises(FolderError, match="damaged"):
        write_report(run)


def test_tables_in_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    console = Console(width=120, no_color=True)
    print_results(results("Anna\x1b[2J"), console)
    shown = capsys.readouterr().out
    assert "\x1b[2J" not in shown, "a sample must not steer the terminal"
    for expected in ("top-k 1", "unrestricted", "in training set", "2.0000 nats", "Czech", "1,234 parameters"):
        assert expected in shown
    print_results(results("a long\ntext"), console)
    assert "a long\ntext" in capsys.readouterr().out
