
// Draws the charts of a page (each page has its own drawAll) when it is there, and again when the colours change or it is printed.
function forPaper(on) {
  document.documentElement.toggleAttribute("data-paper", on);
  drawAll();
}

addEventListener("DOMContentLoaded", drawAll);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
addEventListener("beforeprint", () => forPaper(true));
addEventListener("afterprint", () => forPaper(false));
