// The licences of what the bundle holds, in one text beside it.
import { readFileSync } from "node:fs";

const of = (path) => readFileSync(new URL(`node_modules/${path}`, import.meta.url), "utf8").trim();
const parts = [
  ["Apache ECharts: notice", "echarts/NOTICE"],
  ["Apache ECharts: licence", "echarts/LICENSE"],
  ["Apache ECharts: parts from d3", "echarts/licenses/LICENSE-d3"],
  ["zrender", "zrender/LICENSE"],
  ["tslib", "tslib/LICENSE.txt"],
];

export const licenses = `${parts.map(([title, path]) => `${title}\n${"=".repeat(title.length)}\n\n${of(path)}`).join("\n\n\n")}\n`;
