"""The report: from a run folder alone, offline, escaped, whole also where the run is not."""

from __future__ import annotations

import json
import math
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest
from made_up_run import LANGUAGES, NAMES, SEEN, SPEECH, config, epoch, make_run, names, recipe, results, write_lines
from parsed_page import Page

from elman.errors import FolderError, StorageError
from elman.reports import write_report
from elman.storage import to_json, write_folder


def page_of(run: Path) -> Page:
    return Page(write_report(run).read_text("utf-8"))


def settle(run: Path, name: str, value: object) -> None:
    (run / name).write_bytes(to_json(value))


# What is on the page


def test_the_report_is_one_file_in_the_run_folder(run: Path) -> None:
    before = {path.name for path in run.iterdir()}
    assert write_report(run) == run / "report.html"
    assert {path.name for path in run.iterdir()} - before == {"report.html"}


def test_the_test_loss_is_told_in_nats_bits_and_perplexity_per_symbol(run: Path) -> None:
    loss = 30_120.5 / 16_401
    text = page_of(run).text
    for value, name in ((loss, "nats"), (loss / math.log(2), "bits")):
        assert f"{value:.4f}test loss, {name} per symbol" in text.replace("\n", "").replace(
            f"{value:.4f} ", f"{value:.4f}"
        )
    assert f"{math.exp(loss):.2f}" in text
    assert "87,154" in text
    assert "45.0 s" in text, "the sum of timing.jsonl"


def test_each_sample_is_marked_in_training_set_or_new(run: Path) -> None:
    text = page_of(run).text
    for heading in ("top-k 1", "top-k 3", "top-k 5", "unrestricted"):
        assert heading in text
    for name, language in zip(NAMES, LANGUAGES, strict=True):
        mark = "in training set" if name in SEEN else "new, 4 copied"
        assert text.count(f"{name}{language} · {mark}") == 4


def test_the_copied_piece_of_a_new_sample_is_underlined(run: Path) -> None:
    html = write_report(run).read_text("utf-8")
    assert '<span class="copied">Mari</span>nov' in html
    assert '<span class="copied">Maria</span>' not in html, "all of it is copied: its mark says so"
    assert '<span class="copied">Παπα</span>δάκης' in html


def test_running_text_keeps_its_lines(tmp_path: Path) -> None:
    html = write_report(make_run(tmp_path / "run", kind="text")).read_text("utf-8")
    before, copied, after = SPEECH[:14], SPEECH[14:29], SPEECH[29:]
    assert html.count(f'<pre>\n{before}<span class="copied">{copied}</span>{after}</pre>') == 8
    assert "top-k 5" in Page(html).text


def test_novelty_and_repetition_are_summed_up(run: Path) -> None:
    cells = page_of(run).cells
    for filter_name, share, repeated in (("top-k 1", "60%", "92%"), ("unrestricted", "100%", "3%")):
        at = cells.index(filter_name)
        assert cells[at + 1 : at + 4] == ["200", share, repeated]


def test_every_key_of_the_recipe_is_shown(run: Path) -> None:
    page = page_of(run)
    pairs = list(zip(page.cells, page.cells[1:], strict=False))
    for section in tomllib.loads(recipe()).values():
        if isinstance(section, dict):
            for key, value in section.items():
                shown = {True: "true", False: "false"}[value] if isinstance(value, bool) else str(value).strip("[]")
                assert (key, shown) in pairs
    assert ("title", "Names in a minute") in pairs


def test_the_equations_are_mathml_of_the_cell_in_the_model_folder(run: Path) -> None:
    page = page_of(run)
    assert page.tags("math") > 4
    assert "Equations of the cell gru" in page.text
    assert "Backpropagation through time" in page.text


def test_data_notes_commands_and_versions_are_told(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(run.parent.parent)
    text = page_of(Path("runs/names-quick")).text
    assert "family names that ship with Elman" in text
    assert "2,400 / 300 / 300" in text
    assert "3 lines of more than 40 characters were left out." in text
    assert "elman train runs/names-quick/recipe.toml --run runs/names-quick-again" in text
    assert "elman sample runs/names-quick" in text
    assert "torch 2.13.0" in text


def test_a_run_whose_name_a_shell_would_take_apart_is_quoted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_run(tmp_path / "my run; rm x")
    monkeypatch.chdir(tmp_path)
    assert "elman sample 'my run; rm x'" in page_of(Path("my run; rm x")).text


def test_steps_that_were_not_applied_are_shown(run: Path) -> None:
    refused = {
        "kind": "nonfinite",
        "epoch": 2,
        "step": 412,
        "batch": 142,
        "key": [3],
        "tensor": "gradient of weight_hh_l0",
        "value": "nan",
    }
    write_lines(run / "metrics.jsonl", [epoch(1, 30), refused, epoch(2, 30)])
    assert (
        "Step 412 (epoch 2, batch 142): the gradient of weight_hh_l0 was nan; that step was not applied."
        in page_of(run).text
    )


# What is not there


def test_a_run_that_was_stopped_in_its_first_epoch_has_a_report(run: Path) -> None:
    for name in ("metrics.jsonl", "timing.jsonl", "results.json", "environment.json"):
        (run / name).unlink()
    shutil.rmtree(run / "best")
    text = page_of(run).text
    assert "The training has not ended: there is no results.json" in text
    assert "There is no best model to read the equations from" in text
    assert "No epoch has ended yet." in text
    assert "names-embedded" in text, "the settings are there"


@pytest.mark.parametrize("name", ["metrics.jsonl", "timing.jsonl", "results.json", "environment.json", "best"])
def test_the_report_is_written_without_any_one_of_its_sources(run: Path, name: str) -> None:
    path = run / name
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()
    page = page_of(run)
    assert "Names in a minute" in page.text
    assert ("test loss, nats" in page.text) == (name != "results.json")
    assert (page.tags("math") > 0) == (name != "best")


@pytest.mark.parametrize("name", ["metrics.jsonl", "timing.jsonl", "results.json", "environment.json"])
@pytest.mark.parametrize("content", [b"{}}\n", b"\xff\xfe\n", b"[" * 5000 + b"\n"])
def test_a_source_that_is_no_json_is_told_and_the_rest_is_shown(run: Path, name: str, content: bytes) -> None:
    (run / name).write_bytes(content)
    page = page_of(run)
    assert name in page.warnings
    assert "Settings" in page.text


@pytest.mark.parametrize("name", ["metrics.jsonl", "timing.jsonl", "results.json"])
@pytest.mark.parametrize("content", [b'{"kind": "epoch"}\n', b'{"kind": "epoch", "seconds": "x", "test": []}\n'])
def test_a_source_with_other_contents_is_told_and_the_rest_is_shown(run: Path, name: str, content: bytes) -> None:
    (run / name).write_bytes(content)
    page = page_of(run)
    assert f"{name} is not as this version writes it" in page.warnings
    assert "Settings" in page.text


def test_a_last_line_cut_off_by_a_crash_is_left_out(run: Path) -> None:
    with (run / "metrics.jsonl").open("a") as log:
        log.write('{"kind": "epoch", "epo')
    assert page_of(run).warnings == ""


def test_a_training_that_was_stopped_is_told_how_to_go_on(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (run / "results.json").unlink()
    write_lines(run / "metrics.jsonl", [epoch(1, 30), epoch(2, 30, kind="stop")])
    monkeypatch.chdir(run.parent)
    page = page_of(run)
    assert "elman train names-quick/recipe.toml --run names-quick --resume" in page.text
    assert "2 (part of it)" in page.cells


def test_a_best_model_that_was_altered_is_told(run: Path) -> None:
    path = run / "best" / "config.json"
    path.write_bytes(path.read_bytes().replace(b"sigmoid", b"sigmoix"))
    page = page_of(run)
    assert "There is no best model to read the equations from" in page.text
    assert page.tags("math") == 0


@pytest.mark.parametrize("cell", ["cell x\nnonsense", "", 3, None])
def test_a_cell_that_is_none_is_told_or_left_out(run: Path, cell: object) -> None:
    write_folder(run / "best", {"config.json": to_json({**config(), "cell": cell})}, kind="model")
    assert page_of(run).tags("math") == 0


def test_a_folder_without_a_recipe_is_no_run(tmp_path: Path) -> None:
    with pytest.raises(FolderError, match=r"is no run folder: it has no recipe\.toml"):
        write_report(tmp_path)


def test_a_recipe_that_is_no_toml_is_told(run: Path) -> None:
    (run / "recipe.toml").write_text("title = ", "utf-8")
    with pytest.raises(FolderError, match=r"recipe\.toml is damaged"):
        write_report(run)


def test_an_older_report_stays_where_the_disk_refuses_the_new_one(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (run / "report.html").write_text("older", "utf-8")

    def full(*_: object, **__: object) -> None:
        raise StorageError("no space left")

    monkeypatch.setattr("elman.reports.report.write_file", full)
    with pytest.raises(StorageError):
        write_report(run)
    assert (run / "report.html").read_text("utf-8") == "older"


# What anyone may have written into the folder


ATTACK = "</script><script>alert(1)</script><img src=x onerror=alert(1)>\"'&amp;"


def poisoned(value: object) -> object:
    """The same with an attack in each text, keys of objects left as they are."""
    if isinstance(value, dict):
        return {key: poisoned(item) for key, item in value.items()}
    if isinstance(value, list):
        return [poisoned(item) for item in value]
    return ATTACK + value if isinstance(value, str) else value


@pytest.fixture
def hostile(run: Path) -> Path:
    attack = json.dumps(ATTACK)
    (run / "recipe.toml").write_text(
        f"title = {attack}\nabout = {attack}\n[data]\nsource = {attack}\n{attack} = 1\n[{attack}]\nx = [{attack}]\n",
        "utf-8",
    )
    settle(run, "results.json", poisoned(results([names(1), names(None)])))
    settle(run, "environment.json", {"versions": {ATTACK: ATTACK}})
    refused = {"kind": "nonfinite", "epoch": 1, "step": 1, "batch": 1, "tensor": ATTACK, "value": ATTACK}
    write_lines(run / "metrics.jsonl", [epoch(1, 30), refused])
    evil = {**config(), "equations": [{"text": ATTACK, "mathml": f"<math>{ATTACK}</math>"}], "title": ATTACK}
    write_folder(run / "best", {"config.json": to_json(evil)}, kind="model")
    return run


def test_no_text_of_the_folder_becomes_markup(hostile: Path) -> None:
    page = page_of(hostile)
    assert page.tags("img") == 0
    assert len(page.scripts) == 3, "Plotly, ours, and the data"
    assert not [name for _, attributes in page.elements for name in attributes if name.startswith("on")]
    assert page.text.count(ATTACK) > 20, "shown as it is"


def test_texts_in_the_title_of_the_window_are_escaped_too(hostile: Path) -> None:
    assert page_of(hostile).tags("title") == 1


@pytest.mark.parametrize(
    ("part", "instead"), [("cell gru", f"cell {ATTACK}"), ("r = ", f"{ATTACK} = "), ("n = ", f"n = {ATTACK} + ")]
)
def test_a_cell_with_markup_in_its_text_is_not_rendered(run: Path, part: str, instead: str) -> None:
    cell = config()["cell"].replace(part, instead)
    write_folder(run / "best", {"config.json": to_json({**config(), "cell": cell})}, kind="model")
    page = page_of(run)
    assert page.tags("img") == page.tags("math") == 0
    assert len(page.scripts) == 3


@pytest.mark.parametrize("start", [0, 5, len(ATTACK)])
def test_a_copied_piece_is_cut_out_before_it_is_escaped(run: Path, start: int) -> None:
    table = names(None)
    table["items"][0] |= {"text": 2 * ATTACK, "new": True, "copied_start": start, "copied_span": len(ATTACK)}
    settle(run, "results.json", results([table]))
    page = page_of(run)
    assert 2 * ATTACK in page.text
    assert page.tags("img") == 0


def test_a_folder_may_be_called_anything(tmp_path: Path) -> None:
    run = make_run(tmp_path / "<img onerror=alert(1)>")
    (run / "recipe.toml").write_text("", "utf-8")
    page = page_of(run)
    assert page.tags("img") == 0
    assert "<img onerror=alert(1)>" in page.text, "it is the title of a run without one"


def test_control_characters_are_shown_as_signs(run: Path) -> None:
    table = names(None)
    table["items"][0]["text"] = "a\x1b[31m\x00\u202eb\x9b"
    settle(run, "results.json", results([table]))
    html = write_report(run).read_text("utf-8")
    assert "a␛[31m␀\ufffdb\ufffd" in html
    assert not set(html.replace(Page(html).scripts[0][1], "")) & set("\x00\x1b\x9b\u202e")


def test_an_empty_sample_is_shown(run: Path) -> None:
    table = names(None)
    table["items"][0] |= {"text": "", "new": False, "copied_span": 0}
    settle(run, "results.json", results([table]))
    assert "(empty)" in page_of(run).text


# The page itself


@pytest.mark.parametrize("kind", ["names", "text"])
def test_the_page_is_well_formed_and_its_ids_differ(tmp_path: Path, kind: str) -> None:
    page = page_of(make_run(tmp_path / "run", kind=kind))
    assert len(set(page.ids)) == len(page.ids) > 3
    assert [tag for tag, _ in page.elements][:3] == ["html", "head", "meta"]
    assert page.elements[0][1] == {"lang": "en"}
    assert page.tags("h1") == 1


def test_nothing_on_the_page_leads_outside(hostile: Path) -> None:
    html = write_report(hostile).read_text("utf-8")
    page = Page(html)
    plotly = max((content for _, content in page.scripts), key=len)
    assert page.references == ["data:,"], "the empty icon, so that a browser does not ask a server for one"
    assert page.tags("a") == 0
    assert all("src" not in attributes for attributes, _ in page.scripts)
    rest = html.replace(plotly, "")
    assert "http:" not in rest
    assert "https:" not in rest
    for style in page.styles:
        assert "url(" not in style
        assert "@import" not in style


def test_plotly_is_inside_once_and_the_data_once(run: Path) -> None:
    page = page_of(run)
    sizes = sorted(len(content) for _, content in page.scripts)
    assert sizes[-1] > 1_000_000 > 100_000 > sizes[-2]
    data = [attributes for attributes, _ in page.scripts if attributes]
    assert data == [{"type": "application/json", "id": "chart-data"}]


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("chromium") is None, reason="needs chromium to look at the page with")
def test_a_browser_draws_the_charts_and_runs_nothing_else(hostile: Path, tmp_path: Path) -> None:
    command = [
        "chromium",
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--no-first-run",
        f"--user-data-dir={tmp_path / 'profile'}",
    ]
    seen = subprocess.run(
        [*command, "--virtual-time-budget=4000", "--dump-dom", write_report(hostile).as_uri()],
        capture_output=True, text=True, check=True, timeout=120,
    ).stdout  # fmt: skip
    assert seen.count('class="main-svg"') >= 3
    assert "<img src" not in seen
