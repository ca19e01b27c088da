// Draws every element with data-chart from the JSON in data-figures; its table twin stands in the page.
import { BarChart, HeatmapChart, LineChart, MapChart, PieChart } from "echarts/charts";
import { GeoComponent, GridComponent, LegendComponent, TooltipComponent, VisualMapComponent } from "echarts/components";
import { init, registerMap, use } from "echarts/core";
import { SVGRenderer } from "echarts/renderers";
import { options } from "./chart_options.js";

use([
  BarChart, HeatmapChart, LineChart, MapChart, PieChart, GeoComponent, GridComponent,
  LegendComponent, TooltipComponent, VisualMapComponent, SVGRenderer,
]);

const drawn = new Map();
let map = null;

// Galápagos stands as an inset beside the coast, not a thousand kilometres away.
const GALAPAGOS = { 20: { left: -84.6, top: 0.9, width: 2.6 } };

async function loadMap(url) {
  map ??= fetch(url).then((answer) => answer.json());
  registerMap("ecuador", { geoJSON: await map, specialAreas: GALAPAGOS });
}

async function draw(element) {
  const data = JSON.parse(element.dataset.figures);
  if (element.dataset.chart === "map") await loadMap(element.dataset.map);
  await document.fonts.load('12px "Inter"');
  drawn.get(element)?.dispose();
  const chart = init(element, null, { renderer: "svg" });
  chart.setOption(options(element.dataset.chart, data, map && (await map)));
  drawn.set(element, chart);
}

function drawAll(root = document) {
  for (const element of root.querySelectorAll("[data-chart]")) draw(element);
}

function forgetGone() {
  for (const [element, chart] of drawn) {
    if (element.isConnected) continue;
    chart.dispose();
    drawn.delete(element);
  }
}

drawAll();
document.addEventListener("pregon:theme", () => drawAll());
document.addEventListener("htmx:load", ({ detail }) => {
  forgetGone();
  if (detail.elt !== document.body) drawAll(detail.elt.parentElement ?? detail.elt);
});
new ResizeObserver(() => drawn.forEach((chart) => chart.resize())).observe(document.body);
