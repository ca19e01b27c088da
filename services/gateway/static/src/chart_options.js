// ECharts options for { labels, series: [{name, values}], rows, format }; see charts.py.
const PALETTE = ["#3b7ddd", "#2fb380", "#f0a020", "#d6456b", "#8250c4", "#17a2b8", "#7a869a", "#8d6e3f", "#9ccc3c", "#e57ab8", "#1f3f8f", "#5f9ea0"];
const locale = "es-EC";

const FORMATS = {
  number: new Intl.NumberFormat(locale, { useGrouping: "always" }),
  money: new Intl.NumberFormat(locale, { style: "currency", currency: "USD", useGrouping: "always" }),
  percent: new Intl.NumberFormat(locale, { style: "percent", maximumFractionDigits: 1 }),
};
const WHOLE_MONEY = new Intl.NumberFormat(locale, { style: "currency", currency: "USD", maximumFractionDigits: 0, useGrouping: "always" });

const pixel = Object.assign(document.createElement("canvas"), { width: 1, height: 1 }).getContext("2d", { willReadFrequently: true });

// A colour variable as rgb(): the theme writes light-dark() and oklch(), which ECharts cannot read.
function colour(name) {
  const probe = document.body.appendChild(document.createElement("i"));
  probe.style.color = `var(${name})`;
  pixel.clearRect(0, 0, 1, 1);
  pixel.fillStyle = getComputedStyle(probe).color;
  pixel.fillRect(0, 0, 1, 1);
  probe.remove();
  return `rgb(${[...pixel.getImageData(0, 0, 1, 1).data.slice(0, 3)].join(",")})`;
}

function common(format) {
  const ink = colour("--tblr-body-color");
  return {
    color: PALETTE,
    animationDuration: 300,
    textStyle: { fontFamily: "Inter, sans-serif", color: ink },
    tooltip: {
      renderMode: "richText", // HTML tooltips need inline styles, which the page's policy forbids
      confine: true,
      backgroundColor: colour("--tblr-bg-surface"),
      borderColor: colour("--tblr-border-color"),
      textStyle: { color: ink },
      valueFormatter: (value) => (value == null ? "–" : format.format(value)),
    },
    aria: { enabled: true },
  };
}

function axes(data, format, horizontal) {
  const line = colour("--tblr-border-color");
  const muted = colour("--tblr-secondary");
  const category = {
    type: "category",
    data: data.labels,
    inverse: horizontal,
    axisTick: { show: false },
    axisLine: { lineStyle: { color: line } },
    axisLabel: horizontal ? { color: muted, interval: 0, width: 140, overflow: "truncate" } : { color: muted, hideOverlap: true },
  };
  const value = {
    type: "value",
    splitLine: { lineStyle: { color: line } },
    axisLabel: { color: muted, hideOverlap: true, formatter: (v) => (data.format === "money" ? WHOLE_MONEY : format).format(v) },
  };
  return horizontal ? { xAxis: value, yAxis: category } : { xAxis: category, yAxis: value };
}

function legend(show, position = { bottom: 0 }) {
  return { show, type: "scroll", icon: "circle", itemWidth: 10, itemHeight: 10, textStyle: { color: colour("--tblr-secondary") }, ...position };
}

function cartesian(type, horizontal = false) {
  return (data, format) => ({
    ...axes(data, format, horizontal),
    grid: { left: 8, right: horizontal ? 48 : 16, top: 16, bottom: data.series.length > 1 ? 36 : 8, containLabel: true },
    legend: legend(data.series.length > 1),
    series: data.series.map(({ name, values }) => ({
      type, name, data: values, barMaxWidth: 32, showSymbol: values.length < 40, stack: data.stacked ? "all" : undefined,
      label: { show: horizontal, position: "right", color: colour("--tblr-body-color"), formatter: ({ value }) => format.format(value) },
      itemStyle: type === "bar" && !data.stacked ? { borderRadius: horizontal ? [0, 3, 3, 0] : [3, 3, 0, 0] } : undefined,
    })),
  });
}

const named = (data) => data.labels.map((name, i) => ({ name, value: data.series[0].values[i] }));

function pie(data) {
  return {
    legend: legend(true, { bottom: 0 }),
    series: [{ type: "pie", radius: ["48%", "74%"], center: ["50%", "44%"], label: { show: false }, itemStyle: { borderColor: colour("--tblr-bg-surface"), borderWidth: 2 }, data: named(data) }],
  };
}

const isDark = () => document.documentElement.dataset.bsTheme === "dark";
const most = (values) => Math.max(...values.filter((value) => value != null), Number.MIN_VALUE);

function shades(values, format) {
  const max = most(values);
  const range = isDark() ? ["#22324a", "#3b7ddd", "#a8c9fb"] : ["#d9e5f7", "#5b93e6", "#123f86"];
  return { min: 0, max, text: [format.format(max), format.format(0)], inRange: { color: range }, textStyle: { color: colour("--tblr-secondary") } };
}

function heatmap(data, format) {
  const figures = data.series.flatMap(({ values }) => values);
  const half = most(figures) / 2;
  const ink = (value) => (value > half === isDark() ? "#16202e" : isDark() || value > half ? "#fff" : "#1f2937");
  const cells = data.series.flatMap(({ values }, y) =>
    values.map((value, x) => ({ value: [x, y, value], label: { color: ink(value) } })),
  );
  const { xAxis } = axes(data, format, false);
  return {
    grid: { left: 8, right: 16, top: 8, bottom: 64, containLabel: true },
    xAxis: { ...xAxis, splitArea: { show: false } },
    yAxis: { ...xAxis, data: data.series.map(({ name }) => name), inverse: true },
    visualMap: { ...shades(figures, format), orient: "horizontal", left: "center", bottom: 0 },
    series: [{ type: "heatmap", data: cells, label: { show: cells.length <= 150, formatter: ({ value }) => (value[2] == null ? "–" : format.format(value[2])) } }],
  };
}

function provinces(data, format, map) {
  const names = new Map(map.features.map(({ properties }) => [properties.code, properties.name]));
  const [{ name: what, values }] = data.series;
  return {
    tooltip: { formatter: ({ name, value }) => `${names.get(name)}\n${what}: ${Number.isNaN(value) ? "–" : format.format(value)}` },
    visualMap: { ...shades(values, format), left: 0, bottom: 8 },
    series: [{
      type: "map", map: "ecuador", nameProperty: "code", layoutCenter: ["50%", "50%"], layoutSize: "98%",
      data: named(data), label: { show: false },
      itemStyle: { borderColor: colour("--tblr-bg-surface"), areaColor: colour("--tblr-bg-surface-secondary") },
      emphasis: { label: { show: false }, itemStyle: { areaColor: "#f0a020" } },
      select: { disabled: true },
    }],
  };
}

const KINDS = {
  bar: cartesian("bar"),
  "bar-horizontal": cartesian("bar", true),
  line: cartesian("line"),
  pie,
  heatmap,
  map: provinces,
};

export function options(kind, data, map) {
  const format = FORMATS[data.format];
  const shared = common(format);
  const own = KINDS[kind](data, format, map);
  return { ...shared, ...own, tooltip: { ...shared.tooltip, trigger: kind.startsWith("bar") || kind === "line" ? "axis" : "item", ...own.tooltip } };
}
