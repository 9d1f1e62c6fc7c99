"""What the charts are told to draw, and what the page lets run."""

from __future__ import annotations

import base64
import hashlib
import json
import math
import re
from typing import Any

import pytest
from made_up_run import epoch
from parsed_page import Page

from elman.reports.charts import charts, head
from elman.reports.contents import Epoch, Score


def drawn(
    rows: list[dict[str, Any]], clip_norm: float | None = None, unit: str = "symbol"
) -> dict[str, dict[str, Any]]:
    """The charts by their name, and in each its lines by theirs."""
    page = Page(f"<!DOCTYPE html>\n{charts([Epoch.model_validate(row) for row in rows], clip_norm, unit)}")
    ((_, content),) = page.scripts
    found = json.loads(content)
    assert page.ids[: len(found)] == [chart["id"] for chart in found], "each chart has its place"
    return {
        chart["id"].removeprefix("chart-"): chart | {"lines": {line["name"]: line for line in chart["lines"]}}
        for chart in found
    }


def test_losses_are_sums_over_counts_with_bits_and_perplexity_to_hover_over() -> None:
    rows = [epoch(k, 10) for k in range(1, 11)]
    for name, key in (("training", "train"), ("validation", "validation")):
        line = drawn(rows)["loss"]["lines"][name]
        expected = [row[f"{key}_nats"] / row[f"{key}_count"] for row in rows]
        assert line["x"] == list(range(1, 11))
        assert line["y"] == pytest.approx(expected)
        assert [bits for bits, _ in line["more"]] == pytest.approx([y / math.log(2) for y in expected])
        assert [perplexity for _, perplexity in line["more"]] == pytest.approx([math.exp(y) for y in expected])
        assert "nats" in line["hover"]
        assert "bits" in line["hover"]


def test_shares_that_were_told_right_have_a_chart_where_texts_have_classes() -> None:
    assert "accuracy" not in drawn([epoch(1, 2), epoch(2, 2)])
    rows = [epoch(k, 3) | {"train_correct": 10_000 * k, "validation_correct": 5_000 + k} for k in range(1, 4)]
    found = drawn(rows, unit="text")
    assert list(found) == ["loss", "accuracy", "rate", "norm"]
    assert "text" in found["loss"]["title"]
    for name, key in (("training", "train"), ("validation", "validation")):
        line = found["accuracy"]["lines"][name]
        assert line["x"] == [1, 2, 3]
        assert line["y"] == pytest.approx([row[f"{key}_correct"] / row[f"{key}_count"] for row in rows])


def test_the_last_best_epoch_is_ringed() -> None:
    best = drawn([epoch(k, 10) for k in range(1, 11)])["loss"]["lines"]["best"]
    assert best["x"] == [8]
    assert best["ring"]


def test_rate_and_norms() -> None:
    rows = [epoch(k, 10) for k in range(1, 11)]
    found = drawn(rows, clip_norm=0.25)
    assert found["rate"]["lines"]["learning rate"]["y"] == [row["rate"] for row in rows]
    assert found["norm"]["lines"]["median"]["y"] == [row["gradient_norm"]["median"] for row in rows]
    assert found["norm"]["lines"]["largest"]["y"] == [row["gradient_norm"]["max"] for row in rows]
    assert found["norm"]["lines"]["largest"]["more"][2] == [4, 0], "how many steps were clipped and skipped"
    assert found["norm"]["lines"]["clipped above 0.25"]["y"] == [0.25, 0.25]
    assert "clipped" not in " ".join(drawn(rows)["norm"]["lines"])


def test_norms_far_apart_get_a_logarithmic_axis() -> None:
    assert not drawn([epoch(1, 9)])["norm"]["logarithmic"]
    assert drawn([epoch(1, 9, gradient_norm={"median": 0.1, "max": 50.0})])["norm"]["logarithmic"]
    assert not drawn([epoch(1, 9, gradient_norm={"median": 0.0, "max": 50.0})])["norm"]["logarithmic"]


def test_what_is_not_finite_is_left_out() -> None:
    rows = [
        epoch(1, 9),
        epoch(2, 9, validation_nats=None, gradient_norm=None, rate=None),
        epoch(3, 9, train_nats=math.nan, gradient_norm={"median": math.inf, "max": math.nan}),
        epoch(4, 9, train_nats=1e6, train_count=1),  # a perplexity of e to the million
    ]
    found = drawn(rows)
    assert found["loss"]["lines"]["validation"]["x"] == [1, 3, 4]
    assert found["loss"]["lines"]["training"]["x"] == [1, 2, 4]
    assert found["loss"]["lines"]["training"]["more"][-1][1] is None
    assert found["norm"]["lines"]["median"]["y"][1] is None


def test_an_epoch_without_validation_has_no_ring() -> None:
    assert "best" not in drawn([epoch(1, 9, validation_nats=None)])["loss"]["lines"]


def test_many_epochs_are_a_line_without_markers() -> None:
    assert drawn([epoch(k, 200) for k in range(1, 201)])["loss"]["lines"]["training"]["mode"] == "lines"


def test_the_policy_names_the_scripts_and_allows_nothing_else() -> None:
    page = Page(f"<!DOCTYPE html>\n{head()}")
    (policy,) = [
        a["content"] for tag, a in page.elements if tag == "meta" and a.get("http-equiv") == "Content-Security-Policy"
    ]
    assert policy is not None
    assert policy.startswith("default-src 'none'; ")
    hashes = re.findall(r"'sha256-([^']+)'", policy)
    assert hashes == [
        base64.b64encode(hashlib.sha256(content.encode()).digest()).decode() for _, content in page.scripts
    ]
    assert len(hashes) == 2
    assert "unsafe-inline" not in policy.split("script-src")[1].split(";")[0]
    assert page.elements[0][0] == "meta", "the policy comes before anything that it is to govern"


def test_no_text_inside_a_script_ends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("elman.reports.charts.get_plotlyjs", lambda: "x = '</script><img>'")
    page = Page(f"<!DOCTYPE html>\n{head()}")
    assert page.scripts[0][1] == "x = '<\\/script><img>'"
    assert page.tags("img") == 0


def test_charts_take_their_colours_from_the_page() -> None:
    style, script = Page(f"<!DOCTYPE html>\n{head()}").styles[0], Page(f"<!DOCTYPE html>\n{head()}").scripts[1][1]
    assert "prefers-color-scheme: dark" in style
    assert "prefers-color-scheme: dark" in script
    assert "@media print" in style
    assert "beforeprint" in script


@pytest.mark.parametrize(("nats", "count", "perplexity"), [(0.0, 5, 1.0), (10.0, 5, math.exp(2)), (1e9, 1, math.inf)])
def test_a_loss_in_its_three_units(nats: float, count: int, perplexity: float) -> None:
    loss = Score(nats=nats, count=count)
    assert loss.per_symbol == nats / count
    assert loss.bits == pytest.approx(math.log2(math.exp(1)) * nats / count)
    assert loss.perplexity == pytest.approx(perplexity)


def test_a_loss_over_nothing_is_not_a_number() -> None:
    assert math.isnan(Score(nats=0.0, count=0).per_symbol)
