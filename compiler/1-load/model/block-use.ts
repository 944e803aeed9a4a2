/** @file What an entry says that uses a block. */
import { didYouMean } from "../../diagnostics/fixes.js";
import { isLiteral, type Owner } from "../check/check-shape.js";
import { readBody } from "../check/read-named.js";
import { reportWrongType } from "../check/wrong-type.js";
import { headOf, type LoadContext } from "../context.js";
import { blockUseShape, repeatShape } from "../schema/layer-shapes.js";
import {
  isPoisoned,
  type YamlEntry,
  type YamlMap,
  type YamlNode,
  type YamlScalar,
} from "../yaml/tree.js";
import { type Block, inputsOf } from "./blocks.js";
import type { EntryPlace } from "./inputs.js";
import { type LayerEntry, type Reference, readReferences } from "./layer-entry.js";
import { libraryBlock, libraryNames } from "./library.js";
import type { Input } from "./resolve.js";

export interface BlockUse {
  readonly block: Block;
  readonly times: number;
  /** The values of `with`, by parameter. */
  readonly given: ReadonlyMap<string, YamlScalar>;
  /** What `with` names for inputs besides the first, by input. */
  readonly references: ReadonlyMap<string, Reference>;
}

/** Layers after expansion: more would not be built in reasonable time. */
export const mostLayers = 10_000;

/** What a `block` or `repeat` entry asks for; null for other layers, and after a diagnostic. */
export function readBlockUse(
  entry: LayerEntry,
  blocks: ReadonlyMap<string, Block>,
  isModule: boolean,
  path: string,
  context: LoadContext,
): BlockUse | null {
  if (entry.type !== "block" && entry.type !== "repeat") return null;
  const shape = entry.type === "block" ? blockUseShape : repeatShape;
  const owner: Owner = { title: `'${entry.type}'`, span: entry.typeSpan, path };
  const checked = readBody(entry.body, shape, owner, context);
  const node = checked?.nodes.get(entry.type === "block" ? "name" : "block");
  if (checked === null || node?.kind !== "scalar" || typeof node.value !== "string") return null;
  const block =
    blocks.get(node.value) ?? (isModule ? undefined : libraryBlock(node.value, context));
  if (block === undefined) {
    const shipped = libraryNames();
    const names = isModule
      ? [...blocks.keys()].filter((name) => !shipped.includes(name))
      : [...new Set([...blocks.keys(), ...shipped])];
    if (context.blocksKnown) reportNoBlock(node.value, node, names, isModule, context);
    return null;
  }
  const times = (checked.values as { times?: number }).times ?? 1;
  const withNode = checked.nodes.get("with");
  const given = readWith(withNode, block, context);
  reportMissing(given.references, block, withNode, entry, context);
  if (times <= mostLayers) return { block, times, ...given };
  const span = checked.spans.times ?? entry.typeSpan;
  context.diagnostics.report("too-many-layers", span, { limit: mostLayers });
  return { block, times: 1, ...given };
}

function reportNoBlock(
  name: string,
  node: YamlScalar,
  names: readonly string[],
  isModule: boolean,
  { diagnostics }: LoadContext,
): void {
  const { span } = node;
  const extras = didYouMean(name, names, span, isLiteral(node));
  const known = names.length === 0 ? "none" : names.join(", ");
  // What a block of the library calls its parts is a setting to those who use it.
  const setting = { word: name, what: "this setting of the block", values: known };
  if (isModule) diagnostics.report("unknown-value", span, setting, extras);
  else diagnostics.report("unknown-block", span, { name, known }, extras);
}

/** Inputs besides the first that `with` does not name. */
function reportMissing(
  references: ReadonlyMap<string, Reference>,
  { name, inputs }: Block,
  node: YamlNode | undefined,
  entry: LayerEntry,
  context: LoadContext,
): void {
  if (node !== undefined && isPoisoned(node)) return;
  const written = node?.kind === "map" ? node.entries : new Map();
  for (const key of inputs.slice(1)) {
    if (references.has(key) || written.has(key)) continue;
    context.diagnostics.report("missing-key", headOf(entry.typeSpan, context.sources), {
      key,
      owner: `'with' of block '${name}'`,
      about: `The block reads it besides the layer above: write 'with: { ${key}: … }' with the name of a layer or feature.`,
    });
  }
}

function readWith(
  node: YamlNode | undefined,
  block: Block,
  context: LoadContext,
): Pick<BlockUse, "given" | "references"> {
  const given = new Map<string, YamlScalar>();
  const references = new Map<string, Reference>();
  const all = { given, references };
  if (node === undefined || (node.kind === "scalar" && isPoisoned(node))) return all;
  if (node.kind !== "map") {
    reportWith(node, "'with'", "a map of parameters", context);
    return all;
  }
  const further = block.inputs.slice(1);
  for (const { key, value } of knownEntries(node, block, context)) {
    if (further.includes(key)) {
      const reference = readOne(key, value, context);
      if (reference !== undefined) references.set(key, reference);
    } else if (value.kind === "scalar" && (value.value !== null || isPoisoned(value))) {
      given.set(key, { ...value, source: "param" });
    } else reportWith(value, `parameter '${key}'`, "a number, a text or true/false", context);
  }
  return all;
}

/** Entries of `with` that mean a parameter or an input; others are reported. */
function knownEntries(
  { entries }: YamlMap,
  { inputs, params, paramsKnown }: Block,
  context: LoadContext,
): readonly YamlEntry[] {
  const names = params?.kind === "map" ? [...params.entries.keys()] : [];
  const declared = [...inputs.slice(1), ...names];
  return [...entries.values()].filter((entry) => {
    const isKnown = declared.includes(entry.key);
    if (!isKnown && paramsKnown) reportUnknown(entry, declared, context);
    return isKnown;
  });
}

/** The one name that a value is; undefined after a diagnostic. */
function readOne(key: string, value: YamlNode, context: LoadContext): Reference | undefined {
  if (value.kind !== "list") return readReferences(value, context)?.list[0];
  reportWith(value, `'${key}'`, "the name of one layer", context);
  return undefined;
}

function reportUnknown(
  { key, keySpan }: YamlEntry,
  declared: readonly string[],
  context: LoadContext,
): void {
  context.diagnostics.report(
    "unknown-param",
    keySpan,
    { name: key, known: declared.length === 0 ? "none" : declared.join(", ") },
    didYouMean(key, declared, keySpan, true),
  );
}

/** All inputs of a use whose first one is given; what could not be resolved has been reported. */
export function blockInputs(
  { block, references }: BlockUse,
  first: Input,
  { scope, index }: Pick<EntryPlace, "scope" | "index">,
): ReadonlyMap<string, Input> {
  const inputs = new Map(inputsOf(block, first));
  for (const [name, reference] of references) {
    const resolved = scope.resolve(reference, index);
    if (resolved !== undefined) inputs.set(name, resolved);
  }
  return inputs;
}

function reportWith(node: YamlNode, what: string, wanted: string, context: LoadContext): void {
  reportWrongType(context, node, {
    what,
    wanted,
    about: "'with' gives values to the block's parameters and names its further inputs.",
  });
}
