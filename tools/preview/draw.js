// Draws a board as Grafana lays it out; `draw` gets what `__main__.told` made. Rules of Grafana's own are named where they are followed.
const PALETTE = ["#7EB26D", "#EAB839", "#6ED0E0", "#EF843C", "#E24D42", "#1F78C1", "#BA43A9", "#705DA0", "#508642", "#CCA300"];
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

function formatted(value, unit, decimals) {
  const [key, after] = [unit.split(":")[0], unit.slice(unit.indexOf(":") + 1).trim()];
  if (value === Infinity) return "+Inf";
  if (key === "percentunit") return `${fixed(Number((100 * value).toPrecision(12)), decimals)}%`;
  if (key === "suffix") return `${fixed(value, decimals)} ${after}`;
  const step = key === "count" ? Math.max(0, Math.min(3, Math.floor(Math.log10(Math.abs(value) || 1) / 3))) : 0;
  if (key === "count") return `${fixed(value / 1000 ** step, decimals)}${["", "K", "M", "B"][step]} ${after}`;
  if (key === "locale") return value.toLocaleString("en-US", { maximumFractionDigits: decimals === "tick" ? 3 : decimals });
  if (key === "h") return `${fixed(value, decimals)} ${value > 1 ? "hours" : "hour"}`;
  if (unit === "time:MM-DD HH:mm") return new Date(value).toISOString().slice(5, 16).replace("T", " ");
  return fixed(value, decimals);
}
const steps = (panel) => panel.fieldConfig.defaults.thresholds.steps;
const colour = (panel, value) => steps(panel).filter((step) => step.value === null || value >= step.value).at(-1).color;
const found = (mappings, value) => (mappings ?? []).map(({ type, options }) =>
  type === "value" ? options[String(value)] : options.from <= value && value <= options.to ? options.result : undefined).find(Boolean);
const mapped = (panel, value) => found(panel.fieldConfig.defaults.mappings, value);
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
  return found.map(({ name }, at) => own(panel, name, "color")?.fixedColor ?? PALETTE[at % PALETTE.length]);
}
const own = (panel, name, id) => panel.fieldConfig.overrides.filter(({ matcher }) =>
  matcher.id === "byRegexp" && new RegExp(matcher.options.slice(1, -1)).test(name)).flatMap(({ properties }) => properties).find((one) => one.id === id)?.value;

// getTextColorForBackground of Grafana.
const ink = (tint) => ([299, 587, 114].reduce((sum, part, at) => sum + part * parseInt(tint.slice(2 * at + 1, 2 * at + 3), 16), 0) > 180_000 ? "#1b1d22" : "#fff");
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

// What Grafana says where the pointer is on a mark.
const clock = (at) => new Date(1000 * at).toISOString().slice(11, 16);
const hover = (note) => ({ metric, values }) => `${named({ legendFormat: `${note.titleFormat}, ${note.textFormat}` }, metric)}, ${clock(values[0][0])} to ${clock(values.at(-1)[0])}`;

function timeseries(panel, card, found) {
  const colours = tints(panel, found);
  const { unit, custom, max } = panel.fieldConfig.defaults, stacked = custom.stacking?.mode === "normal";
  legend(card, found.map(({ name }, at) => [name, colours[at]]));
  const lines = custom.thresholdsStyle?.mode === "dashed" ? steps(panel).filter((step) => step.value !== null) : [];
  const marks = lines.map((step) => ({ yAxis: step.value, lineStyle: { color: step.color, type: "dashed", width: 1.5 } }));
  const events = regions().flatMap(({ colour, from, to }) => [from, to].map((at) => ({ xAxis: at, lineStyle: { color: colour, type: [3, 3], width: 1 } })));
  const areas = regions().map(({ colour, from, to }) => [{ xAxis: from, itemStyle: { color: colour, opacity: 0.06 } }, { xAxis: to }]);
  chart(card, {
    grid, xAxis: times(),
    yAxis: {
      ...axis(), ...(custom.scaleDistribution?.type === "log" ? { type: "log", logBase: 2 } : { type: "value", max, min: ({ min }) => (min < 0 ? null : 0), boundaryGap: [0, max ? 0 : "6%"] }),
      axisLabel: { color: css("--weak"), formatter: (value) => formatted(value, unit, "tick") },
    },
    series: found.map(({ name, points }, number) => ({
      type: "line", data: points, showSymbol: false, stack: stacked ? "A" : undefined, connectNulls: false,
      color: colours[number], lineStyle: { width: custom.lineWidth ?? 1, type: own(panel, name, "custom.lineStyle")?.dash ?? "solid" }, areaStyle: custom.fillOpacity ? { opacity: custom.fillOpacity / 100 } : undefined,
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
    box.lastChild.style.fontSize = `${Math.min(place.clientHeight * 0.4, (1.3 * (place.clientWidth - 16)) / found.length / text.length, 56)}px`;
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
  // a width of its own, or a share of what is left, but not less than the least: what is beyond needs scrolling
  const least = panel.fieldConfig.defaults.custom.minWidth ?? 150, fixedWidths = columns.map((key) => of(key, "custom.width") ?? 0);
  const shared = Math.max(least, (card.clientWidth - fixedWidths.reduce((sum, one) => sum + one)) / fixedWidths.filter((one) => !one).length);
  const place = element("table", ""), head = place.appendChild(element("tr", ""));
  columns.forEach((key, at) => head.appendChild(element("th", values.includes(key) ? "value" : "", names[key] ?? key)).style.width = `${fixedWidths[at] || shared}px`);
  for (const row of [...rows.values()].sort((a, b) => (b[by] ?? -Infinity) - (a[by] ?? -Infinity))) {
    const line = place.appendChild(element("tr", ""));
    for (const key of columns) {
      const value = row[key] ?? null, { noValue, unit, decimals, mappings } = panel.fieldConfig.defaults, isValue = values.includes(key);
      const text = value === null ? (of(key, "noValue") ?? noValue) : !isValue ? value
        : (found(of(key, "mappings") ?? mappings, value)?.text ?? formatted(value, of(key, "unit") ?? unit, of(key, "decimals") ?? decimals));
      const cell = element("td", isValue ? "value" : "", text);
      if (value !== null && of(key, "custom.cellOptions")) cell.style = `background:${colour(panel, value)};color:${ink(colour(panel, value))}`;
      line.append(cell);
    }
  }
  card.append(place);
}

// Grafana's mergeThresholdValues: with colours by threshold, the range stands for the value, no word of a mapping is used,
// and the legend has every range; else it has every state that occurs.
function states(panel) {
  const all = steps(panel), ranges = all.map((step, at) => (step.value === null && all[at + 1] ? `< ${plain(panel, all[at + 1].value)}` : `${plain(panel, step.value ?? 0)}+`));
  if (panel.options.mergeValues && panel.fieldConfig.defaults.color?.mode === "thresholds")
    return [(value) => [ranges[all.findIndex((step) => step.color === colour(panel, value))], colour(panel, value)], all.map(({ color }, at) => [ranges[at], color])];
  return [(value) => [shown(panel, value), mapped(panel, value)?.color ?? colour(panel, value)], []];
}

function timeline(panel, card, found) {
  const [state, all] = states(panel), bars = [], items = new Map(all);
  found.forEach(({ points }, row) => points.forEach(([at, value]) => {
    const before = bars.at(-1), end = at + 1000 * told.step;
    if (value === null) return;
    const [text, tint] = state(value);
    items.set(text, tint);
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
  const most = Math.max(...cells.map((cell) => cell[2])), hours = found[0].points.map(([at]) => clock(at / 1000));
  chart(card, {
    grid: { ...grid, bottom: 34 },
    xAxis: { ...axis(), type: "category", data: hours, axisLabel: { color: css("--weak"), interval: (at) => at % 30 === 0 }, splitLine: { show: false } },
    yAxis: { ...axis(), type: "category", data: found.map(({ name }) => formatted(edge(name), panel.fieldConfig.defaults.unit)), axisLabel: { color: css("--weak"), interval: 1 } },
    visualMap: { min: 0, max: most, calculable: false, orient: "horizontal", left: "center", bottom: 2, itemWidth: 10, itemHeight: 160, text: [`${fixed(most)} calls`, "0"], textStyle: { color: css("--weak") }, inRange: { color: ["1a", "80", "b3", "d9", "ff"].map((alpha) => panel.options.color.fill + alpha) } },
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
const KINDS = { stat, timeseries, table, heatmap, bargauge, "state-timeline": timeline };

function draw(all) {
  told = all;
  const { board, values } = told, say = (where, text) => (document.querySelector(where).textContent = text);
  say("h1", board.title);
  say(".about", board.description);
  const chosen = board.templating.list.filter((one) => values[one.name] !== undefined).map((one) => `${one.label ?? one.name}: ${values[one.name]}`);
  say(".chosen", `${chosen.join("  ·  ")}  ·  ${(told.end - told.start) / 60} minutes, in UTC`);
  legend(document.querySelector("header"), told.events.map(({ note, series }) => [[note.name, ...series.map(hover(note))].join(" · "), note.iconColor]));
  for (const panel of board.panels) {
    const { x, y, w, h } = panel.gridPos, card = element("div", panel.type === "row" ? "row" : "panel", panel.type === "row" ? `⌄ ${panel.title}` : "");
    card.style.gridArea = `${y + 1} / ${x + 1} / span ${h} / span ${w}`;
    document.getElementById("board").append(card);
    if (panel.type === "row") continue;
    card.append(element("h2", "", panel.title));
    const found = series(panel);
    if (found.length) KINDS[panel.type](panel, card, found);
    else card.append(element("div", "absent", panel.fieldConfig.defaults.noValue ?? "No data"));
  }
}
