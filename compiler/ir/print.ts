/** @file Graphs as text: stable, readable, and understood by `parseGraph` (grammar in text.ts). */
import type { Origin } from "./origin.js";
import {
  formatNumber,
  formatType,
  isWord,
  resultName,
  sameAttribute,
  usualAttributes,
} from "./text.js";
import { nodesOf } from "./traverse.js";
import { type Graph, isGraph, type Node, type Parameter, type Value } from "./types.js";

const quote = (name: string): string => (isWord(name) ? name : JSON.stringify(name));

function formatAttribute(value: unknown): string {
  if (typeof value === "number") return formatNumber(value);
  if (typeof value === "string") return quote(value);
  if (Array.isArray(value)) return `[${value.map(formatAttribute).join(",")}]`;
  if (isGraph(value)) return `{\n${printGraph(value).replace(/^(?=.)/gm, "    ")}  }`;
  return String(value);
}

function formatOrigin({ layer, type, phase, span }: Origin): string {
  if (layer === "" && type === "" && phase === "forward" && span === null) return "";
  const words = [layer, type].map((word) => (/^[\w.]+$/.test(word) ? word : JSON.stringify(word)));
  const place = span === null ? [] : [JSON.stringify(span.file), `${span.start}-${span.end}`];
  return `  # @ ${[...words, phase, ...place].join(" ")}`;
}

/** Gives every value of a graph a short unique name: parameters their own, others layer and op. */
function nameValues(nodes: readonly Node[]): (value: Value) => string {
  const taken = new Set<string>();
  const names = new Map<Node, string>();
  const claim = (node: Node, wanted: string): void => {
    let name = wanted;
    for (let i = 2; taken.has(name); i++) name = `${wanted}_${i}`;
    taken.add(name);
    names.set(node, name);
  };
  const isSource = (node: Node): boolean => node.kind === "input" || node.kind === "state";
  for (const node of nodes) if (isSource(node)) claim(node, String(node.attrs.name));
  for (const node of nodes) {
    if (isSource(node)) continue;
    const layer = node.origin.layer.replace(/[^\w.]/g, "_");
    claim(node, layer === "" ? node.kind : `${layer}.${node.kind}`);
  }
  return ({ node, output }) => {
    const name = names.get(node) as string;
    return quote(output === 0 ? name : `${name}.${output}`);
  };
}

function formatSource(node: Node, name: string, last: boolean): string {
  const role = node.kind === "state" ? "state " : node.attrs.role === "scalar" ? "scalar " : "";
  const type = node.types.map(formatType).join();
  return `  ${role}${name}: ${type}${last ? "" : ","}${formatOrigin(node.origin)}`;
}

/** Parameters of a body: all of them, in their order. */
const formatParameter = ({ name, type }: Parameter, last: boolean): string =>
  `  ${quote(name)}: ${formatType(type)}${last ? "" : ","}`;

function formatStatement(node: Node, name: (value: Value) => string): string {
  const results = node.types.map(
    (type, output) => `${name({ node, output })}: ${formatType(type)}`,
  );
  const required = node.inputs.length - node.optional.length;
  const operands = node.inputs.slice(0, required).map(name);
  const optional = node.optional.map((key, i) => {
    const value = node.inputs[required + i];
    return `${key}=${value === undefined ? "?" : name(value)}`;
  });
  const usual = usualAttributes(node.kind);
  const attributes = Object.keys(node.attrs)
    .sort()
    .filter((key) => !(key in usual && sameAttribute(usual[key], node.attrs[key])))
    .map((key) => `${key}=${formatAttribute(node.attrs[key])}`);
  const call = [node.kind, ...operands, ...optional, ...attributes].join(" ");
  return `  ${results.join(", ")} = ${call}${formatOrigin(node.origin)}`;
}

/** The graph's text. Equal graphs (up to node numbers) give equal text. */
export function printGraph(graph: Graph): string {
  const nodes = nodesOf(graph);
  const name = nameValues(nodes);
  const sources = nodes.filter((node) => node.kind === "input" || node.kind === "state");
  const statements = nodes.filter((node) => node.kind !== "input" && node.kind !== "state");
  const results = graph.outputs.map(({ name: output, role, value }, index) => {
    if (role === "state") return `state ${quote(output)}=${name(value)}`;
    return output === resultName(index) ? name(value) : `${quote(output)}=${name(value)}`;
  });
  const title = graph.name === "" ? "" : `graph ${quote(graph.name)}`;
  const isLast = (i: number, list: readonly unknown[]): boolean => i === list.length - 1;
  const parameters =
    graph.parameters?.map((parameter, i, all) => formatParameter(parameter, isLast(i, all))) ??
    sources.map((node, i) => formatSource(node, name({ node, output: 0 }), isLast(i, sources)));
  return [
    parameters.length === 0 ? `${title}()` : `${title}(`,
    ...parameters,
    ...(parameters.length === 0 ? [] : [")"]),
    ...statements.map((node) => formatStatement(node, name)),
    results.length === 0 ? "  return" : `  return ${results.join(", ")}`,
    "",
  ].join("\n");
}
