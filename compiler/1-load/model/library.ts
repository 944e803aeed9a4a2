/** @file Blocks that come with dlc: YAML files in compiler/blocks, each with the block of its own name. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { bug } from "../../diagnostics/diagnostic.js";
import { Diagnostics } from "../../diagnostics/report.js";
import type { Span } from "../../ir/origin.js";
import { root } from "../../version.js";
import { LoadContext } from "../context.js";
import { parseYaml } from "../yaml/compose.js";
import type { YamlEntry, YamlNode } from "../yaml/tree.js";
import { type Block, readBlocks } from "./blocks.js";

const folder = join(root, "blocks");
const ending = ".yaml";

let names: readonly string[] | null = null;

/** Names of the blocks that specs can use without defining them. */
export function libraryNames(): readonly string[] {
  names ??= readdirSync(folder)
    .filter((file) => file.endsWith(ending))
    .map((file) => file.slice(0, -ending.length))
    .sort();
  return names;
}

/** The text of a shipped block's file. */
export const libraryText = (name: string): string =>
  readFileSync(join(folder, name + ending), "utf8");

/** How messages name its file. */
const shownFile = (name: string): string => `@dlc/compiler/blocks/${name}${ending}`;

/**
 * A shipped block, or undefined where there is none of the name. Other blocks of its file are for its
 * own layers only: it sees neither the blocks nor the parameters of a spec.
 */
export function libraryBlock(name: string, { sources }: LoadContext): Block | undefined {
  if (!libraryNames().includes(name)) return undefined;
  const file = shownFile(name);
  const text = libraryText(name);
  sources.set(file, text);
  const diagnostics = new Diagnostics();
  const context = new LoadContext(file, diagnostics, sources);
  const tree = parseYaml(text, file, diagnostics);
  const section = tree?.kind === "map" ? tree.entries.get("blocks")?.value : undefined;
  const module = new Map<string, Block>();
  for (const block of readBlocks(section, context).values()) {
    module.set(block.name, { ...block, key: `${name}/${block.name}`, module });
  }
  const [problem] = diagnostics.all;
  if (problem !== undefined) bug(`shipped block '${name}': ${problem.message}`);
  return module.get(name) ?? bug(`'${file}' has no block '${name}'`);
}

/** What a shipped block says, as if it stood where the block is used. */
export function placedAt(node: YamlNode, use: Span): YamlNode {
  const at = (span: Span): Span => ({ ...use, library: span.library ?? span });
  const span = at(node.span);
  if (node.kind === "scalar") return { ...node, span };
  if (node.kind === "list") {
    return { ...node, span, items: node.items.map((item) => placedAt(item, use)) };
  }
  const entries = new Map<string, YamlEntry>();
  for (const [key, entry] of node.entries) {
    const value = placedAt(entry.value, use);
    entries.set(key, { key, keySpan: at(entry.keySpan), value });
  }
  return { ...node, span, entries };
}
