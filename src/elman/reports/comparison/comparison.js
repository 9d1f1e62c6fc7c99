// Draws the charts of a comparison, in the colours of the page, and again when those change.
"use strict";

const CONFIG = { displayModeBar: false, responsive: true };  // drag to zoom, double-click to see all again
const FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif";
const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

function layout(more) {
  const axis = {
    color: colour("--soft"), gridcolor: colour("--line"), linecolor: colour("--line"),
    showline: true, zeroline: false, automargin: true,
  };
  return {
    autosize: true,
    margin: { l: 60, r: 14, t: 34, b: 46 },
    paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
    font: { family: FONT, size: 13, color: colour("--ink") },
    legend: { orientation: "h", x: 0, y: 1.02, yanchor: "bottom" },
    hoverlabel: { bgcolor: colour("--paper"), bordercolor: colour("--line"), font: { color: colour("--ink") } },
    ...more,
    xaxis: { ...axis, ...more.xaxis },
    yaxis: { ...axis, ...more.yaxis },
  };
}

const whiskers = (points) => ({
  type: "data", symmetric: false, color: colour("--ink"), thickness: 1.5, width: 4,
  array: points.map((p) => p.above), arrayminus: points.map((p) => p.below),
});

// The axis begins at 0: the length of a bar is the accuracy.
function bars(chart) {
  const traces = [{
    type: "bar", orientation: "h", name: "test accuracy", width: 0.62,
    y: chart.points.map((p) => p.name), x: chart.points.map((p) => p.value),
    error_x: whiskers(chart.points),
    marker: { color: chart.points.map((p) => colour(p.colour)) },
    text: chart.points.map((p) => p.label), textposition: "inside", insidetextanchor: "start", textfont: { color: colour("--paper") },
    customdata: chart.points.map((p) => p.told),
    hovertemplate: "%{y}: %{x:.4f}<br>%{customdata}<extra></extra>",
  }];
  const shuffled = chart.points.filter((p) => p.shuffled !== null);
  if (shuffled.length) {
    traces.push({
      type: "scatter", mode: "markers", name: "words shuffled",
      y: shuffled.map((p) => p.name), x: shuffled.map((p) => p.shuffled),
      marker: { symbol: "diamond", size: 10, color: colour("--paper"), line: { color: colour("--ink"), width: 1.5 } },
      hovertemplate: "%{y}, words shuffled: %{x:.4f}<extra></extra>",
    });
  }
  return [traces, layout({
    showlegend: shuffled.length > 0, barmode: "overlay",
    xaxis: { title: { text: "accuracy on the test part" }, range: [0, 1.02], tickformat: ".1f" },
    yaxis: { autorange: "reversed", showgrid: false, ticksuffix: "  " },
  })];
}

function curves(chart) {
  const traces = chart.lines.map((line) => ({
    type: "scatter", mode: line.x.length < 40 ? "lines+markers" : "lines", name: line.name, x: line.x, y: line.y,
    line: { color: colour(line.colour), width: line.best ? 3 : 1.8 }, marker: { size: line.best ? 6 : 4, color: colour(line.colour) },
    hovertemplate: line.name.replace(/[<>%]/g, " ") + ": %{y:.4f}<extra></extra>",
  }));
  return [traces, layout({
    showlegend: true, hovermode: "x unified",
    xaxis: { title: { text: "epoch" }, tickformat: "d", dtick: chart.lines.every((line) => line.x.length <= 12) ? 1 : undefined, unifiedhovertitle: { text: "epoch %{x}" } },
    yaxis: { title: { text: chart.title }, tickformat: "~g", type: chart.logarithmic ? "log" : "linear" },
  })];
}

function cost(chart) {
  const traces = chart.points.map((p) => ({
    type: "scatter", mode: "markers", name: p.name, x: [p.seconds], y: [p.value],
    error_y: { ...whiskers([p]), color: colour(p.colour) },
    marker: { size: p.best ? 15 : 10, color: colour(p.colour), symbol: p.symbol },
    customdata: [p.told], hovertemplate: "%{y:.4f}<br>%{customdata}",
  }));
  return [traces, layout({
    showlegend: true, hovermode: "closest",
    xaxis: { title: { text: "seconds of training" }, type: "log", tickformat: "~g", dtick: 1, range: chart.range },
    yaxis: { title: { text: "accuracy on the test part" }, tickformat: "~g" },
  })];
}

function heatmap(chart) {
  const low = colour("--tint"), high = colour("--accent");
  const trace = {
    type: "heatmap", x: chart.classes, y: chart.classes, z: chart.shares, zmin: 0, zmax: 1, showscale: false,
    colorscale: [[0, low], [1, high]], xgap: 2, ygap: 2, customdata: chart.counts,
    hovertemplate: "%{y} answered as %{x}: %{customdata}, %{z:.1%} of the class<extra></extra>",
  };
  const cells = chart.shares.flatMap((row, i) => row.map((share, k) => ({
    x: chart.classes[k], y: chart.classes[i], text: chart.labels[i][k], showarrow: false,
    font: { color: colour(share > 0.5 ? "--paper" : "--ink"), size: chart.classes.length > 8 ? 10 : 13 },
  })));
  return [[trace], layout({
    annotations: cells, margin: { l: 60, r: 14, t: 14, b: 60 },
    xaxis: { title: { text: "answer" }, type: "category", showgrid: false },
    yaxis: { title: { text: "true class" }, type: "category", autorange: "reversed", showgrid: false },
  })];
}

const KINDS = { bars, curves, cost, heatmap };

function drawAll() {
  for (const chart of JSON.parse(document.getElementById("chart-data").textContent)) {
    Plotly.react(chart.id, ...KINDS[chart.kind](chart), CONFIG);
  }
}
