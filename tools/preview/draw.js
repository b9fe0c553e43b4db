// Draws a board as Grafana lays it out; `draw` gets what `__main__.told` made. Rules of Grafana's own are named where they are followed.
const PALETTE = ["#7EB26D", "#EAB839", "#6ED0E0", "#EF843C", "#E24D42", "#1F78C1", "#BA43A9", "#705DA0", "#508642", "#CCA300"];
const SPANS = [["year", 31536000], ["month", 2628000], ["week", 604800], ["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];
const VIRIDIS = ["#fde725", "#5ec962", "#21918c", "#3b528b", "#440154"];
const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const element = (tag, kind, text = "") => Object.assign(document.createElement(tag), { className: kind, textContent: text });
const number = (text) => (text === "NaN" ? null : Number(text));
const edge = (name) => Number(name.replace("+Inf", "Infinity"));
let told;

// getDecimalsForValue of Grafana: two figures or so, and none for whole numbers. The ticks of an axis are round.
function fixed(value, decimals) {
  if (decimals === "tick") return String(Number(value.toPrecision(3)));
  if (decimals !== undefined && decimals !== null) return value.toFixed(decimals);
  if (value % 1 === 0) return String(value);
  const order = Math.floor(Math.log10(Math.abs(value)));
  return value.toFixed(Math.max(0, 1 - order + (Math.abs(value) / 10 ** (order - 1) > 22.5 ? 1 : 0)));
}

function scaled(value, names, decimals) {
  const step = Math.max(0, Math.min(names.length - 1, Math.floor(Math.log10(Math.abs(value) || 1) / 3)));
  return fixed(value / 1000 ** step, decimals) + names[step];
}

function duration(seconds, decimals) {
  const words = [];
  for (const [name, length] of SPANS) {
    const whole = Math.floor(seconds / length);
    if (!words.length && !whole) continue;
    words.push(`${whole} ${name}${whole === 1 ? "" : "s"}`);
    seconds %= length;
    if (words.length > (decimals ?? 0)) break;
  }
  return words.join(", ") || "0 seconds";
}

function formatted(value, unit, decimals) {
  const [key, after] = [unit.split(":")[0], unit.slice(unit.indexOf(":") + 1).trim()];
  if (value === Infinity) return "+Inf";
  if (key === "percentunit") return `${fixed(Number((100 * value).toPrecision(12)), decimals)}%`;
  if (key === "suffix") return `${fixed(value, decimals)} ${after}`;
  if (key === "count") return `${scaled(value, ["", " K", " M", " B"], decimals)} ${after}`;
  if (key === "short") return scaled(value, ["", " K", " Mil", " Bil"], decimals);
  if (key === "currencyUSD") return `${value < 0 ? "-" : ""}$${scaled(Math.abs(value), ["", "K", "M", "B"], decimals)}`;
  if (key === "dtdurations") return duration(value, decimals);
  if (key === "dateTimeAsIso") return new Date(value).toISOString().slice(0, 19).replace("T", " ");
  if (key === "bool_on_off") return value ? "On" : "Off";
  if (key !== "s") return fixed(value, decimals);
  const [length, name] = [[3600, "hours"], [60, "mins"], [1, "s"], [0.001, "ms"]].find(([length]) => Math.abs(value) >= length) ?? [1, "s"];
  return `${fixed(value / length, decimals)} ${name}`;
}
const steps = (panel) => panel.fieldConfig.defaults.thresholds.steps;
const colour = (panel, value) => steps(panel).filter((step) => step.value === null || value >= step.value).at(-1).color;
const mapped = (panel, value) => panel.fieldConfig.defaults.mappings?.[0]?.options[String(value)];
const plain = ({ fieldConfig: { defaults } }, value) => formatted(value, defaults.unit, defaults.decimals);
const shown = (panel, value) => mapped(panel, value)?.text ?? plain(panel, value);

function named(target, metric) {
  if (target.legendFormat) return target.legendFormat.replace(/\{\{(\w+)\}\}/g, (_, key) => metric[key] ?? "");
  return `{${Object.entries(metric).map(([key, text]) => `${key}="${text}"`).join(", ")}}`;
}

// A point at each step: a gap stays a gap.
function series(panel) {
  const found = (told.answers[panel.id] ?? []).flatMap(({ refId, series }) => series.map((one) => {
    const held = new Map((one.values ?? [one.value]).map(([at, text]) => [at, number(text)]));
    const points = Array.from({ length: (told.end - told.start) / told.step + 1 }, (_, at) => told.start + told.step * at).map((at) => [1000 * at, held.get(at) ?? null]);
    return { name: named(panel.targets.find((target) => target.refId === refId), one.metric), last: [...held.values()].at(-1), points };
  }));
  return found.filter((one) => one.points.some(([, value]) => value !== null) || (one.last ?? null) !== null);
}

// Grafana takes the other colours from a larger palette by a hash of the name; two lines may share one there, here not.
function tints(panel, found) {
  const own = (name) => panel.fieldConfig.overrides.find(({ matcher, properties }) =>
    matcher.id === "byRegexp" && properties[0].id === "color" && new RegExp(matcher.options.slice(1, -1)).test(name));
  return found.map(({ name }, at) => own(name)?.properties[0].value.fixedColor ?? PALETTE[at % PALETTE.length]);
}

const ink = (tint) => ([1, 3, 5].reduce((sum, at) => sum + parseInt(tint.slice(at, at + 2), 16), 0) > 450 ? "#1b1d22" : "#fff");
function legend(card, items) {
  const place = card.appendChild(element("div", "legend"));
  for (const [name, tint] of items) place.appendChild(element("span", "")).append(Object.assign(element("i", ""), { style: `background:${tint}` }), name);
}

function chart(card, option) {
  const place = card.insertBefore(element("div", "body"), card.querySelector(".legend"));
  option.xAxis.splitNumber = Math.max(2, Math.floor(place.clientWidth / 90));
  echarts.init(place).setOption({ animation: false, useUTC: true, textStyle: { fontFamily: "DejaVu Sans" }, ...option });
}
const grid = { left: 6, right: 16, top: 10, bottom: 4, outerBoundsMode: "same", outerBoundsContain: "axisLabel" };
const axis = () => ({
  axisLabel: { color: css("--weak"), hideOverlap: true }, axisLine: { show: false }, axisTick: { show: false },
  splitLine: { show: true, lineStyle: { color: css("--line") } },
});
const times = () => ({ ...axis(), type: "time", min: 1000 * told.start, max: 1000 * told.end, axisLabel: { ...axis().axisLabel, formatter: "{HH}:{mm}" } });
// Points of an annotation next to each other are one region, as in Grafana.
function regions() {
  return told.events.flatMap(({ note, series }) => series.flatMap(({ values }) => {
    const made = [];
    for (const [at] of values) at - made.at(-1)?.[1] <= told.step ? (made.at(-1)[1] = at) : made.push([at, at]);
    return made.map(([from, to]) => ({ colour: note.iconColor, from: 1000 * from, to: 1000 * to }));
  }));
}

function timeseries(panel, card, found) {
  const colours = tints(panel, found);
  const { unit, custom, max } = panel.fieldConfig.defaults, stacked = custom.stacking?.mode === "normal";
  legend(card, found.map(({ name }, at) => [name, colours[at]]));
  const lines = custom.thresholdsStyle?.mode === "dashed" ? steps(panel).filter((step) => step.value !== null) : [];
  const marks = lines.map((step) => ({ yAxis: step.value, lineStyle: { color: step.color, type: "dashed", width: 1.5 } }));
  const events = regions().flatMap((one) => [one.from, one.to].map((at) => ({ xAxis: at, lineStyle: { color: one.colour, type: [3, 3], width: 1 } })));
  const areas = regions().map((one) => [{ xAxis: one.from, itemStyle: { color: one.colour, opacity: 0.06 } }, { xAxis: one.to }]);
  chart(card, {
    grid, xAxis: times(),
    yAxis: { ...axis(), type: "value", max, min: ({ min }) => (min < 0 ? null : 0), axisLabel: { color: css("--weak"), formatter: (value) => formatted(value, unit, "tick") } },
    series: found.map(({ points }, number) => ({
      type: "line", data: points, showSymbol: false, stack: stacked ? "A" : undefined, connectNulls: false,
      color: colours[number], lineStyle: { width: custom.lineWidth ?? 1 }, areaStyle: custom.fillOpacity ? { opacity: custom.fillOpacity / 100 } : undefined,
      ...(number ? {} : { markLine: { precision: 12, symbol: "none", silent: true, label: { show: false }, data: [...marks, ...events] }, markArea: { silent: true, data: areas } }),
    })),
  });
}

function stat(panel, card, found) {
  const place = card.appendChild(element("div", "stats"));
  for (const { name, last } of found) {
    const tint = colour(panel, last), box = element("div", "stat"), text = shown(panel, last);
    if (panel.options.colorMode === "background") box.style = `background:${tint};color:${ink(tint)}`;
    if (panel.options.textMode === "value_and_name") box.append(element("span", "", name));
    box.append(element("b", "", text));
    place.append(box);
    const room = Math.min(place.clientHeight * 0.4, (1.3 * (place.clientWidth - 16)) / found.length / text.length, 56);
    box.lastChild.style.fontSize = `${room}px`;
  }
}

// The transformations that our tables have: merge (a row for each set of labels), organize (names), and the sorting.
function table(panel, card) {
  const rows = new Map(), labels = new Set(), { renameByName: names, indexByName: order } = panel.transformations.find((one) => one.id === "organize").options;
  const column = (refId) => (panel.targets.length === 1 ? "Value" : `Value #${refId}`), values = panel.targets.map(({ refId }) => column(refId));
  for (const { refId, series } of told.answers[panel.id]) {
    for (const { metric, value } of series) {
      Object.keys(metric).forEach((key) => labels.add(key));
      const key = JSON.stringify(Object.entries(metric).sort());
      rows.set(key, { ...rows.get(key), ...metric, [column(refId)]: number(value[1]) });
    }
  }
  const columns = [...[...labels].sort(), ...values].sort((a, b) => (order[a] ?? 99) - (order[b] ?? 99)), by = columns.find((key) => names[key] === panel.options.sortBy[0].displayName);
  const of = (key, id) => panel.fieldConfig.overrides.filter(({ matcher }) => matcher.options === (names[key] ?? key)).flatMap(({ properties }) => properties).find((one) => one.id === id)?.value;
  const place = element("table", ""), head = place.appendChild(element("tr", ""));
  for (const key of columns) head.append(element("th", values.includes(key) ? "value" : "", names[key] ?? key));
  for (const row of [...rows.values()].sort((a, b) => (b[by] ?? -Infinity) - (a[by] ?? -Infinity))) {
    const line = place.appendChild(element("tr", ""));
    for (const key of columns) {
      const value = row[key] ?? null, { noValue, unit, decimals } = panel.fieldConfig.defaults, isValue = values.includes(key);
      const text = value === null ? (of(key, "noValue") ?? noValue) : isValue ? formatted(value, of(key, "unit") ?? unit, decimals) : value;
      const cell = element("td", isValue ? "value" : "", text);
      if (value !== null && of(key, "custom.cellOptions")) cell.style = `background:${colour(panel, value)};color:${ink(colour(panel, value))}`;
      line.append(cell);
    }
  }
  card.append(place);
}

// Grafana's mergeThresholdValues: with colours by threshold, the range stands for the value, and no word of a mapping is used.
function states(panel) {
  const all = steps(panel), ranges = all.map((step, at) => (step.value === null && all[at + 1] ? `< ${plain(panel, all[at + 1].value)}` : `${plain(panel, step.value ?? 0)}+`));
  if (panel.options.mergeValues && panel.fieldConfig.defaults.color?.mode === "thresholds") return (value) => [ranges[all.findIndex((step) => step.color === colour(panel, value))], colour(panel, value)];
  return (value) => [shown(panel, value), mapped(panel, value)?.color ?? colour(panel, value)];
}

function timeline(panel, card, found) {
  const state = states(panel), bars = [], items = new Map();
  found.forEach(({ name, points }, row) => points.forEach(([at, value]) => {
    const before = bars.at(-1), end = at + 1000 * told.step;
    if (value === null) return;
    const [text, tint] = state(value);
    items.set(found.length > 1 ? `${name}: ${text}` : text, tint);
    if (before?.row === row && before.to === at && before.text === text) before.to = end;
    else bars.push({ row, text, tint, from: at, to: end });
  }));
  legend(card, items);
  chart(card, {
    grid, xAxis: times(),
    yAxis: { ...axis(), type: "category", inverse: true, data: found.map(({ name }) => name), splitLine: { show: false }, axisLabel: { color: css("--text"), width: 150, overflow: "break" } },
    series: [{
      type: "custom", clip: true, data: bars.map(({ row, from, to }) => [row, from, to]), encode: { x: [1, 2], y: 0 },
      renderItem: (_, api) => {
        const bar = bars[_.dataIndex], [x, y] = api.coord([bar.from, bar.row]), [end] = api.coord([Math.min(bar.to, 1000 * told.end), bar.row]);
        const high = api.size([0, 1])[1] * 0.8, width = end - x, text = width > 7.5 * bar.text.length + 6 ? bar.text : "";
        return { type: "rect", shape: { x, y: y - high / 2, width, height: high }, style: { fill: bar.tint, opacity: 0.85 }, textContent: { style: { text, fill: ink(bar.tint), fontSize: 12 } }, textConfig: { position: "insideLeft" } };
      },
    }],
  });
}

// Buckets are cumulative: a row is what its edge adds to the one below; no calls, no cell.
function heatmap(panel, card, found) {
  found.sort((a, b) => (edge(a.name) > edge(b.name) ? 1 : -1));
  const cells = found.flatMap(({ points }, row) => points.map(([, value], at) => [at, row, value - (row ? found[row - 1].points[at][1] : 0)]));
  const most = Math.max(...cells.map((cell) => cell[2])), hours = found[0].points.map(([at]) => new Date(at).toISOString().slice(11, 16));
  chart(card, {
    grid: { ...grid, bottom: 34 },
    xAxis: { ...axis(), type: "category", data: hours, axisLabel: { color: css("--weak"), interval: (at) => at % 30 === 0 }, splitLine: { show: false } },
    yAxis: { ...axis(), type: "category", data: found.map(({ name }) => formatted(edge(name), panel.fieldConfig.defaults.unit)), axisLabel: { color: css("--weak"), interval: 1 } },
    visualMap: { min: 0, max: most, calculable: false, orient: "horizontal", left: "center", bottom: 2, itemWidth: 10, itemHeight: 160, text: [`${fixed(most)} calls`, "0"], textStyle: { color: css("--weak") }, inRange: { color: VIRIDIS } },
    series: [{ type: "heatmap", data: cells.filter(([, , value]) => value > 1e-9) }],
  });
}

function bargauge(panel, card, found) {
  const place = card.appendChild(element("div", "bars")), most = panel.fieldConfig.defaults.max ?? Math.max(...found.map(({ last }) => last));
  for (const { name, last } of found) {
    place.append(element("span", "", `${name}: ${shown(panel, last)}`));
    place.appendChild(element("div", "bar")).append(Object.assign(element("i", ""), { style: `width:${Math.min(100, (100 * last) / most)}%;background:${colour(panel, last)}` }));
  }
}
const KINDS = { stat, timeseries, table, heatmap, bargauge, "state-timeline": timeline, text: (panel, card) => card.append(element("div", "absent", panel.options.content)) };

function draw(all) {
  told = all;
  const { board, values } = told, say = (where, text) => (document.querySelector(where).textContent = text);
  say("h1", board.title);
  say(".about", board.description);
  const chosen = board.templating.list.filter((one) => values[one.name] !== undefined).map((one) => `${one.label ?? one.name}: ${values[one.name]}`);
  say(".chosen", `${chosen.join("  ·  ")}  ·  3 hours, in UTC`);
  for (const panel of board.panels) {
    const { x, y, w, h } = panel.gridPos, card = element("div", panel.type === "row" ? "row" : "panel", panel.type === "row" ? `⌄ ${panel.title}` : "");
    card.style.gridArea = `${y + 1} / ${x + 1} / span ${h} / span ${w}`;
    document.getElementById("board").append(card);
    if (panel.type === "row") continue;
    card.append(element("h2", "", panel.title));
    const found = series(panel);
    if (found.length || panel.type === "text") KINDS[panel.type](panel, card, found);
    else card.append(element("div", "absent", panel.fieldConfig.defaults.noValue ?? "No data"));
  }
}
