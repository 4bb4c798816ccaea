"use strict";
(function () {
  // Every figure is data in its own script tag; plotly is unpacked once; a figure is drawn when it
  // comes near the screen, and all of them before printing.
  const plots = Array.from(document.querySelectorAll(".plot"));
  const base = JSON.parse(document.getElementById("template").textContent);
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const LIGHT = { text: "#4a4f57", low: "#a9540a", middle: "#ecebe8", high: "#16528a", grid: "rgba(20, 24, 31, 0.12)", zero: "rgba(20, 24, 31, 0.4)", hover: "#ffffff" };
  const DARK = { text: "#b6bcc6", low: "#ffc38a", middle: "#2b2f37", high: "#9ed2ff", grid: "rgba(255, 255, 255, 0.13)", zero: "rgba(255, 255, 255, 0.45)", hover: "#22262d" };
  const CONFIG = { responsive: true, displayModeBar: false, displaylogo: false, showTips: false };

  // The scales of figures are made for a light page: on a dark one the middle is dark, the ends light.
  function coloured(value, colours) {
    const text = JSON.stringify(value);
    return JSON.parse(text.replaceAll(LIGHT.middle, colours.middle).replaceAll(LIGHT.low, colours.low).replaceAll(LIGHT.high, colours.high));
  }

  function templateFor(colours) {
    const own = coloured(base, colours);
    own.layout.font.color = colours.text;
    for (const axis of [own.layout.xaxis, own.layout.yaxis]) {
      axis.gridcolor = axis.linecolor = colours.grid;
      axis.zerolinecolor = colours.zero;
    }
    own.layout.hoverlabel = Object.assign({}, own.layout.hoverlabel, { bgcolor: colours.hover, font: { color: colours.text, family: own.layout.font.family, size: 12 } });
    return own;
  }

  function draw(plot, colours, width) {
    plot.style.height = Math.round(plot.dataset.height * (width ? 0.78 : 1)) + "px";
    const text = plot.querySelector("script");
    if (text) { plot.figure = JSON.parse(text.textContent); text.remove(); }
    const own = coloured(plot.figure, colours);
    own.layout.template = templateFor(colours);
    own.layout.height = parseFloat(plot.style.height);
    if (width) { own.layout.width = width; }
    // On a touch screen a finger on a figure scrolls the page.
    if (window.matchMedia("(pointer: coarse)").matches) { own.layout.dragmode = false; }
    plot.dataset.drawn = "yes";
    return window.Plotly.react(plot, own.data, own.layout, CONFIG);
  }

  function colours() { return dark.matches ? DARK : LIGHT; }

  function start() {
    const near = new IntersectionObserver(function (entries) {
      for (const entry of entries) {
        if (entry.isIntersecting && !entry.target.dataset.drawn) { near.unobserve(entry.target); draw(entry.target, colours()); }
      }
    }, { rootMargin: "600px" });
    plots.forEach(function (plot) { near.observe(plot); });
    dark.addEventListener("change", function () {
      plots.filter(function (plot) { return plot.dataset.drawn; }).forEach(function (plot) { draw(plot, colours()); });
    });
    window.addEventListener("beforeprint", function () {
      plots.forEach(function (plot) { near.unobserve(plot); draw(plot, LIGHT, 680); });
    });
    window.addEventListener("afterprint", function () {
      plots.forEach(function (plot) { draw(plot, colours()); });
    });
  }

  async function unpack() {
    const packed = document.getElementById("plotly");
    const bytes = Uint8Array.from(atob(packed.textContent), function (c) { return c.charCodeAt(0); });
    packed.remove();
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    const code = document.createElement("script");
    code.textContent = await new Response(stream).text();
    document.head.appendChild(code);
    start();
  }

  if (window.DecompressionStream) { unpack(); } else { document.getElementById("unable").hidden = false; }
})();
