// Draws the charts that the page's data describe, in the colours of the page, and again when those change.
"use strict";

const CONFIG = { displayModeBar: false, responsive: true };  // drag to zoom, double-click to see all again

function draw(chart) {
  const style = getComputedStyle(document.documentElement);
  const colour = (name) => style.getPropertyValue(name).trim();
  const axis = {
    color: colour("--soft"), gridcolor: colour("--line"), linecolor: colour("--line"),
    showline: true, zeroline: false, automargin: true, fixedrange: false,
  };
  const traces = chart.lines.map((line) => ({
    type: "scatter", mode: line.mode, name: line.name, x: line.x, y: line.y, customdata: line.more,
    line: { color: colour(line.colour), width: line.dash ? 1.5 : 2.5, dash: line.dash || "solid" },
    marker: line.ring
      ? { size: 13, symbol: "circle-open", color: colour(line.colour), line: { width: 2.5 } }
      : { size: 6, color: colour(line.colour) },
    hovertemplate: line.hover ? line.hover + "<extra></extra>" : undefined,
    hoverinfo: line.hover ? undefined : "skip",
  }));
  Plotly.react(chart.id, traces, {
    autosize: true,
    margin: { l: 60, r: 12, t: 34, b: 46 },
    paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
    font: { family: "system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif", size: 13, color: colour("--ink") },
    legend: { orientation: "h", x: 0, y: 1.02, yanchor: "bottom" },
    showlegend: chart.lines.length > 1,
    hovermode: "x unified",
    hoverlabel: { bgcolor: colour("--paper"), bordercolor: colour("--line"), font: { color: colour("--ink") } },
    xaxis: { ...axis, title: { text: chart.axis || "epoch" }, tickformat: "d", dtick: chart.epochs <= 12 ? 1 : undefined, unifiedhovertitle: { text: (chart.axis || "epoch") + " %{x}" } },
    yaxis: { ...axis, title: { text: chart.title }, type: chart.logarithmic ? "log" : "linear", tickformat: chart.axis ? "~e" : "~g", range: chart.range },
  }, CONFIG);
}

function drawAll() {
  JSON.parse(document.getElementById("chart-data").textContent).forEach(draw);
}
