// The charts of the page. Each figure holds its data as JSON, with every text as it stands in the table behind it.
// Colours are variables of the style sheet: light, dark and print need no second drawing.
import { BarChart, LineChart, SankeyChart, ScatterChart } from "echarts/charts";
import { GridComponent, MarkLineComponent, TooltipComponent } from "echarts/components";
import { init, use } from "echarts/core";
import { SVGRenderer } from "echarts/renderers";

use([BarChart, LineChart, SankeyChart, ScatterChart, GridComponent, MarkLineComponent, TooltipComponent, SVGRenderer]);

const NARROW = 560;
const FONT = getComputedStyle(document.body).fontFamily;
const INK = "var(--ink)", QUIET = "var(--quiet)", HAIR = "var(--hair)", PAPER = "var(--paper)";
const SYMBOLS = { priority: "circle", default: "rect", flex: "triangle", scale: "diamond", ultrafast: "pin", batch: "arrow" };
const DATES = { year: "{yyyy}", month: "{d} {MMM}", day: "{d} {MMM}", hour: "{HH}:{mm}", minute: "{HH}:{mm}", second: "{HH}:{mm}:{ss}", millisecond: "{HH}:{mm}:{ss}" };
const isStill = matchMedia("(prefers-reduced-motion: reduce)").matches;
const colour = (tier) => `var(--tier-${tier})`;
const text = { color: QUIET, fontFamily: FONT, fontSize: 12 };

// A text of somebody else's becomes text, never markup.
function card(title, lines) {
  const box = document.createElement("div");
  const head = box.appendChild(document.createElement("strong"));
  head.textContent = title;
  for (const line of lines) box.appendChild(document.createElement("div")).textContent = line;
  return box;
}

const tooltip = (formatter, trigger = "item") => ({
  trigger, formatter, confine: true, transitionDuration: 0, className: "tip", borderWidth: 0, padding: 0,
  backgroundColor: "transparent", extraCssText: "box-shadow:none", textStyle: { fontFamily: FONT },
});

// ── requested → served ───────────────────────────────────────────────────────────────────────────────────────────
function flow(data, width) {
  const names = Object.fromEntries(data.nodes.map((node) => [node.id, node]));
  const isNarrow = width < NARROW;
  const side = isNarrow ? 116 : Math.min(290, width * 0.4);
  return {
    tooltip: tooltip(({ dataType, data: told, name }) =>
      dataType === "edge" ? card(`${names[told.source].text} → ${names[told.target].text}`, told.lines) : card(names[name].text, [names[name].count])),
    series: [{
      type: "sankey", left: side, right: side, top: isNarrow ? 26 : 10, bottom: isNarrow ? 30 : 10, nodeWidth: 10,
      nodeGap: isNarrow ? 54 : 26, draggable: false, layoutIterations: 32, emphasis: { focus: "adjacency" },
      data: data.nodes.map((node) => ({
        name: node.id, depth: node.side,
        itemStyle: { color: node.tier ? colour(node.tier) : INK, borderWidth: 0 },
        label: { position: node.side ? "right" : "left", width: side - 14, overflow: "break" },
      })),
      links: data.links.map((link) => ({ ...link, lineStyle: { color: colour(link.tier), opacity: 0.38, curveness: 0.5 } })),
      label: {
        ...text, color: INK, fontSize: 13, lineHeight: 17,
        formatter: ({ name }) => `${names[name].text}${isNarrow ? "\n" : ": "}${names[name].count}`,
      },
    }],
  };
}

// ── lines over time ──────────────────────────────────────────────────────────────────────────────────────────────
function lines(data, width) {
  const told = new Set();  // two tiers of one promise have one label
  const once = (target) => !told.has(target.text) && told.add(target.text);
  const most = Math.max(...data.series.map((one) => one.points.length));
  const size = most > 120 ? 0 : most > 40 ? 4 : 7;
  return {
    useUTC: true,
    grid: { left: 4, right: 16, top: 18, bottom: 4, containLabel: true },
    tooltip: {
      ...tooltip((found) => card(stamp(found[0].value[0]), found
        .filter((one) => one.data.told).map((one) => `${one.seriesName}: ${one.data.told}`)), "axis"),
      axisPointer: { type: "line", lineStyle: { color: QUIET, type: "solid", width: 1 } },
    },
    xAxis: {
      type: "time", min: data.begin, max: data.end, axisLine: { lineStyle: { color: HAIR } }, axisTick: { show: false },
      splitNumber: width < NARROW ? 3 : 5, axisLabel: { ...text, hideOverlap: true, formatter: DATES }, splitLine: { show: false },
    },
    yAxis: {
      type: "value", min: 0, splitNumber: 4, axisLabel: { ...text, formatter: short },
      splitLine: { lineStyle: { color: HAIR } },
    },
    series: data.series.map((one) => ({
      type: "line", name: one.name, connectNulls: false, step: one.step ? "middle" : false, animation: false,
      symbol: SYMBOLS[one.tier] ?? "circle", symbolSize: (value, { data: point }) => point.alone || point.bad ? 7 : one.step ? 0 : size,
      showSymbol: true, showAllSymbol: true,
      color: one.tier ? colour(one.tier) : INK,
      lineStyle: { width: one.step ? 1.5 : 2, type: one.dashed ? [4, 4] : "solid", color: one.tier ? colour(one.tier) : INK },
      itemStyle: { color: one.tier ? colour(one.tier) : INK },
      emphasis: { disabled: true },
      data: one.points.map(({ t, v, told, bad }, at) => ({
        value: [t, v], told, bad,
        alone: v !== null && (one.points[at - 1]?.v ?? null) === null && (one.points[at + 1]?.v ?? null) === null,
        itemStyle: bad ? { color: PAPER, borderColor: "var(--bad)", borderWidth: 2 } : undefined,
      })),
      markLine: one.target ? {
        silent: true, symbol: "none", animation: false,
        lineStyle: { color: one.tier ? colour(one.tier) : INK, type: [6, 4], width: 1.5 },
        label: { ...text, show: Boolean(once(one.target)), color: INK, position: "insideStartTop", formatter: () => one.target.text },
        data: [{ yAxis: one.target.value }],
      } : undefined,
    })),
  };
}

function short(value) {
  for (const [unit, size] of [["G", 1e9], ["M", 1e6], ["k", 1e3]]) if (value >= size) return `${+(value / size).toPrecision(3)}${unit}`;
  return `${value}`;
}

function stamp(moment) {
  return `${new Date(moment).toISOString().slice(0, 16).replace("T", " ")} UTC`;
}

// ── bars ─────────────────────────────────────────────────────────────────────────────────────────────────────────
function bars(data, width) {
  const rows = [...data.rows].reverse();  // the axis counts from below
  const side = width < NARROW ? 104 : 190;
  const marks = rows.map((row, at) => ({ value: [row.mark, at], row })).filter(({ row }) => row.mark !== null && row.mark !== undefined);
  return {
    grid: { left: side, right: 18 + 7.6 * Math.max(...rows.map((row) => row.text.length)), top: 4, bottom: 4 },
    tooltip: tooltip(({ data: { row } }) => card(row.name, row.lines)),
    xAxis: { type: "value", min: 0, show: false },
    yAxis: {
      type: "category", data: rows.map((row) => row.name), axisLine: { show: false }, axisTick: { show: false },
      axisLabel: { ...text, color: INK, width: side - 12, overflow: "break", lineHeight: 15 },
    },
    series: [
      {
        type: "bar", barWidth: 16, animation: false, emphasis: { disabled: true },
        data: rows.map((row) => ({ value: row.value, row, itemStyle: { color: row.tier ? colour(row.tier) : "var(--accent)", borderRadius: [0, 2, 2, 0] } })),
        label: { ...text, color: INK, fontSize: 13, show: true, position: "right", distance: 8, formatter: ({ data: { row } }) => row.text },
      },
      {
        type: "scatter", symbol: "rect", symbolSize: [3, 26], animation: false, z: 4, data: marks, emphasis: { disabled: true },
        itemStyle: { color: INK, borderColor: PAPER, borderWidth: 1 },
      },
    ],
  };
}

// ── on the page ──────────────────────────────────────────────────────────────────────────────────────────────────
const KINDS = { flow, lines, bars };

// Left and right go through what a pointer would find; Escape leaves.
function keys(place, chart, data) {
  const series = data.series ?? [];
  const stops = data.links?.length ?? data.rows?.length ?? Math.max(0, ...series.map((one) => one.points.length));
  let at = -1;
  place.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (step) {
      at = (at + step + stops + (at < 0 && step < 0 ? 1 : 0)) % stops;
      const point = data.rows ? { seriesIndex: 0, dataIndex: stops - 1 - at } : { seriesIndex: 0, dataIndex: at, dataType: data.links ? "edge" : undefined };
      chart.dispatchAction({ type: "showTip", ...point });
      event.preventDefault();
    } else if (event.key === "Escape") chart.dispatchAction({ type: "hideTip" });
  });
  place.addEventListener("blur", () => chart.dispatchAction({ type: "hideTip" }));
}

function draw(place) {
  const data = JSON.parse(place.querySelector("script").textContent);
  const canvas = place.appendChild(document.createElement("div"));
  canvas.style.height = `${data.kind === "flow" && canvas.clientWidth < NARROW ? data.height * 1.4 : data.height}px`;
  const chart = init(canvas, null, { renderer: "svg" });
  const show = () => {
    chart.setOption({ animation: false, animationDuration: isStill ? 0 : 200, ...KINDS[data.kind](data, canvas.clientWidth) }, true);
    const drawing = canvas.querySelector("svg");
    drawing.setAttribute("aria-hidden", "true");
    drawing.setAttribute("viewBox", `0 0 ${chart.getWidth()} ${chart.getHeight()}`);
  };
  show();
  keys(place, chart, data);
  let width = canvas.clientWidth;
  new ResizeObserver(() => {
    if (canvas.clientWidth === width || matchMedia("print").matches) return;
    width = canvas.clientWidth;
    chart.resize();
    show();
  }).observe(canvas);
}

document.querySelectorAll("[data-chart]").forEach(draw);
document.documentElement.dataset.drawn = "yes";

// Paper shows what is folded away on the screen.
let folded = [];
addEventListener("beforeprint", () => {
  folded = [...document.querySelectorAll("details:not([open])")];
  for (const one of folded) one.open = true;
});
addEventListener("afterprint", () => {
  for (const one of folded) one.open = false;
});
