/** @file A picture of a model: SVG for documents, one self-contained HTML page for reading. */
import type { LayerSummary } from "../2-lower/lowered-model.js";
import { formatShape } from "../ir/shape.js";
import { magnitude, thousands } from "./table.js";

/** Text for XML: markup, control and bidirectional characters are made harmless. */
const xml = (text: string): string =>
  text
    .replace(/[\p{Cc}\p{Cf}]/gu, "\ufffd")
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");

interface Box {
  readonly title: string;
  readonly lines: readonly string[];
  readonly kind: "input" | "layer";
}

const charWidth = 7.2;
const lineHeight = 16;

function boxes(layers: readonly LayerSummary[]): Map<string, Box> {
  const result = new Map<string, Box>();
  const names = new Set(layers.map(({ name }) => name));
  for (const layer of layers) {
    for (const input of layer.inputs) {
      if (!names.has(input)) result.set(input, { title: input, lines: ["data"], kind: "input" });
    }
    const weights = layer.weights > 0 ? [`${thousands(layer.weights)} weights`] : [];
    result.set(layer.name, {
      title: layer.name,
      lines: [`${layer.type} ${formatShape(layer.output)}`, ...weights],
      kind: "layer",
    });
  }
  return result;
}

/** The graph of layers, top to bottom, as an SVG document. */
export async function svgOf(name: string, layers: readonly LayerSummary[]): Promise<string> {
  const { Graph, layout } = await import("@dagrejs/dagre").then((dagre) => ({
    Graph: dagre.graphlib.Graph,
    layout: dagre.layout,
  }));
  const graph = new Graph();
  graph.setGraph({ rankdir: "TB", nodesep: 24, ranksep: 28, marginx: 16, marginy: 16 });
  graph.setDefaultEdgeLabel(() => ({}));
  const all = boxes(layers);
  for (const [id, box] of all) {
    const longest = Math.max(box.title.length, ...box.lines.map((line) => line.length));
    graph.setNode(id, {
      width: longest * charWidth + 20,
      height: (box.lines.length + 1) * lineHeight + 12,
    });
  }
  for (const layer of layers) {
    for (const input of layer.inputs) graph.setEdge(input, layer.name);
  }
  layout(graph);
  const { width = 0, height = 0 } = graph.graph() as { width?: number; height?: number };
  const edges = graph.edges().map((edge: { v: string; w: string }) => {
    const { points } = graph.edge(edge) as { points: { x: number; y: number }[] };
    const path = points.map(({ x, y }) => `${x.toFixed(1)},${y.toFixed(1)}`).join(" ");
    return `<polyline class="edge" points="${path}" marker-end="url(#arrow)"/>`;
  });
  const nodes = [...all].map(([id, box]) => {
    const at = graph.node(id) as { x: number; y: number; width: number; height: number };
    const left = at.x - at.width / 2;
    const top = at.y - at.height / 2;
    const text = [box.title, ...box.lines].map(
      (line, i) =>
        `<text class="${i === 0 ? "title" : "line"}" x="${at.x.toFixed(1)}" y="${(top + 18 + i * lineHeight).toFixed(1)}">${xml(line)}</text>`,
    );
    return `<g class="${box.kind}"><rect x="${left.toFixed(1)}" y="${top.toFixed(1)}" width="${at.width.toFixed(1)}" height="${at.height.toFixed(1)}" rx="6"/>${text.join("")}</g>`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${Math.ceil(width)} ${Math.ceil(height)}" width="${Math.ceil(width)}" height="${Math.ceil(height)}" role="img" aria-label="${xml(name)}">
<style>
text { font: 12px ui-monospace, monospace; text-anchor: middle; fill: #1b1f24 }
.title { font-weight: bold }
.line { fill: #57606a }
rect { fill: #ffffff; stroke: #57606a }
.input rect { fill: #ddf4ff; stroke: #0969da }
.edge { fill: none; stroke: #57606a }
</style>
<defs><marker id="arrow" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path d="M0,0 L8,4 L0,8 z" fill="#57606a"/></marker></defs>
<rect x="0" y="0" width="100%" height="100%" style="fill:#ffffff;stroke:none"/>
${edges.join("\n")}
${nodes.join("\n")}
</svg>
`;
}

/** The picture and the table of layers in one page that needs no network and runs no script. */
export async function htmlOf(name: string, layers: readonly LayerSummary[]): Promise<string> {
  const rows = layers.map(
    (l) =>
      `<tr><td>${xml(l.name)}</td><td>${xml(l.type)}</td><td>${xml(formatShape(l.output))}</td><td class="n">${thousands(l.weights)}</td><td class="n">${magnitude(l.flops)}</td></tr>`,
  );
  const weights = layers.reduce((sum, l) => sum + l.weights, 0);
  const flops = layers.reduce((sum, l) => sum + l.flops, 0);
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${xml(name)}</title>
<style>
body { font: 15px system-ui, sans-serif; margin: 2rem; color: #1b1f24; background: #ffffff }
table { border-collapse: collapse; margin: 1rem 0 }
th, td { padding: 0.25rem 0.75rem; border-bottom: 1px solid #d0d7de; text-align: left; font-variant-numeric: tabular-nums }
.n { text-align: right }
</style>
</head>
<body>
<h1>${xml(name)}</h1>
<p>${thousands(weights)} weights, ${magnitude(flops)} FLOPs for one example</p>
${await svgOf(name, layers)}
<table>
<thead><tr><th>layer</th><th>type</th><th>output</th><th class="n">weights</th><th class="n">FLOPs</th></tr></thead>
<tbody>
${rows.join("\n")}
</tbody>
</table>
</body>
</html>
`;
}
