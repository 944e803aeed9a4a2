/**
 * @file From `layers` lists, blocks and repeats to the flat list of layers in execution order. Blocks
 * are expanded per use, with parameters of their own; layers inside get prefixed names.
 */
import { didYouMean } from "../../diagnostics/fixes.js";
import type { Span } from "../../ir/origin.js";
import { layers as registry } from "../../layers/index.js";
import { checkShape, isLiteral, type Owner } from "../check/check-shape.js";
import { readBody } from "../check/read-named.js";
import { headOf, type LoadContext } from "../context.js";
import { defineParams, Scope, substitute } from "../params.js";
import type { LayerUse } from "../resolved-spec.js";
import { blockShape, blockUseShape, inputsKey, layerShapes, repeatShape } from "../schema/layer-shapes.js";
import { describeNode, isPoisoned, type YamlMap, type YamlNode, type YamlScalar } from "../yaml/tree.js";
import { type LayerEntry, readLayerEntry, readReferences, type References } from "./layer-entry.js";
import { type FeatureNames, type NamedEntry, nameEntries } from "./names.js";
import { type Input, ListScope } from "./resolve.js";

/** Layers after expansion: more would not be built in reasonable time. */
const mostLayers = 10_000;

export interface Block {
  readonly name: string;
  readonly nameSpan: Span;
  readonly params: YamlNode | undefined;
  readonly layers: YamlNode | null;
}

interface BlockUse {
  readonly block: Block;
  readonly times: number;
  readonly given: ReadonlyMap<string, YamlScalar>;
}

/** Where in the expansion a list of layers stands. */
interface Surroundings {
  readonly prefix: string;
  readonly input: Input | undefined;
  readonly scope: Scope;
  /** Names of the blocks around, outermost first. */
  readonly inside: readonly string[];
}

export class Expander {
  readonly layers: LayerUse[] = [];
  readonly usedBlocks = new Set<string>();
  /** Of each block: the parameters that some use read. */
  readonly usedParams = new Map<string, Set<string>>();
  readonly #emitted = new Set<string>();
  #steps = 0;
  #stopped = false;

  constructor(
    readonly blocks: ReadonlyMap<string, Block>,
    readonly features: FeatureNames,
    readonly context: LoadContext,
  ) {}

  model(list: YamlNode, scope: Scope): void {
    this.#list(list, { prefix: "", input: undefined, scope, inside: [] });
  }

  /** Expands a block that nothing uses, only to find its mistakes. */
  unusedBlock(block: Block, scope: Scope): void {
    const before = this.layers.length;
    this.#block(
      { block, times: 1, given: new Map() },
      { prefix: "", input: undefined, scope, inside: [] },
      { name: block.name, input: "input", span: block.nameSpan },
    );
    this.layers.length = before;
  }

  /** The output of the list's last entry; the input where there is none. */
  #list(node: YamlNode, around: Surroundings): Input {
    const { context, features } = this;
    const tree = substitute(node, around.scope, context);
    if (tree.kind !== "list" || tree.items.length === 0) {
      context.diagnostics.report("wrong-type", headOf(node.span, context.sources), {
        what: "'layers'",
        wanted: "a list with at least one layer",
        given: describeNode(tree),
        about: "Each layer begins with '- '.",
      });
      return around.input ?? null;
    }
    const entries = tree.items.flatMap((item) => readLayerEntry(item, context) ?? []);
    const uses = new Map(entries.map((entry) => [entry, this.#blockUse(entry, around)] as const));
    const reserved = new Set(around.input === undefined ? [] : ["input"]);
    const visible: FeatureNames = around.prefix === "" ? features : new Map();
    const stemOf = (entry: LayerEntry): { stem: string; times: number } => {
      const use = uses.get(entry) ?? null;
      return { stem: use?.block.name ?? entry.type, times: use?.times ?? 1 };
    };
    const named = nameEntries(entries, stemOf, visible, reserved, context);
    const scope = new ListScope(named, around.prefix, around.input, features, this.#emitted, context);
    let last: Input = around.input ?? null;
    named.forEach((entry, index) => {
      if (this.#stopped) return;
      last = this.#entry(entry, index, last, { scope, around, use: uses.get(entry.entry) ?? null });
    });
    return last;
  }

  #entry(
    named: NamedEntry,
    index: number,
    previous: Input,
    { scope, around, use }: { scope: ListScope; around: Surroundings; use: BlockUse | null },
  ): Input {
    const { entry } = named;
    if (use !== null) {
      let output = this.#one(entry.from, `block '${use.block.name}'`, index, previous, scope);
      for (const name of named.uses) {
        if (this.#stopped) break;
        output = this.#block(use, around, { name, input: output, span: entry.typeSpan });
        scope.define(name, output);
      }
      scope.define(named.name, output);
      return output;
    }
    const fullName = around.prefix + named.name;
    if (!this.#count(entry.span)) return previous;
    this.#layer(entry, { fullName, index, previous, scope });
    this.#emitted.add(fullName);
    scope.define(named.name, fullName);
    return fullName;
  }

  #layer(
    entry: LayerEntry,
    at: { fullName: string; index: number; previous: Input; scope: ListScope },
  ): void {
    const shape = layerShapes.get(entry.type);
    if (entry.unknown || shape === undefined) return;
    const { context } = this;
    const label = entry.as === null ? entry.type : `${entry.type} '${entry.as.name}'`;
    const owner: Owner = {
      title: label,
      span: entry.typeSpan,
      path: `model.layers.${at.fullName}`,
    };
    const checked = readBody(entry.body, shape, owner, context);
    const many = registry.get(entry.type)?.inputs === "many";
    const from = many
      ? this.#many(entry, checked?.nodes.get(inputsKey) ?? null, label, at)
      : this.#named(this.#one(entry.from, label, at.index, at.previous, at.scope));
    const fields: Record<string, unknown> = { ...checked?.values };
    const spans: Record<string, Span> = { ...checked?.spans, type: entry.typeSpan };
    const inputs = checked?.nodes.get(inputsKey);
    if (many) delete fields[inputsKey];
    if (many) delete spans[inputsKey];
    if (entry.from !== null) spans.from = entry.from.span;
    else if (many && inputs !== undefined) spans.from = inputs.span;
    if (entry.as !== null) spans.as = entry.as.span;
    this.layers.push({
      type: entry.type,
      name: at.fullName,
      named: entry.as !== null,
      from,
      fields,
      span: entry.span,
      fieldSpans: spans,
    });
  }

  #named(input: Input): readonly string[] {
    return input === null ? [] : [input];
  }

  /** The one input of a layer or block: `from`, else the layer above. */
  #one(
    from: References | null,
    label: string,
    index: number,
    previous: Input,
    scope: ListScope,
  ): Input {
    if (from === null) return previous;
    const [first, ...more] = from.list;
    if (first === undefined || more.length > 0 || from.isList) {
      const text = this.context.sources.slice(first?.span ?? from.span);
      const fixes =
        first !== undefined && more.length === 0
          ? [
              {
                title: `write 'from: ${text}'`,
                grade: "certain" as const,
                edits: [{ span: from.span, text }],
              },
            ]
          : [];
      this.context.diagnostics.report(
        "one-input",
        headOf(from.span, this.context.sources),
        { layer: label, count: from.list.length },
        { fixes },
      );
    }
    if (first === undefined) return previous;
    return scope.resolve(first, index) ?? previous;
  }

  /** The inputs of a merging layer: its value, its `inputs`, or `from`. */
  #many(
    entry: LayerEntry,
    written: YamlNode | null,
    label: string,
    at: { index: number; scope: ListScope },
  ): readonly string[] {
    const { context } = this;
    if (written !== null && entry.from !== null) {
      context.diagnostics.report("inputs-twice", headOf(entry.from.span, context.sources), {
        layer: label,
      });
    }
    const broken = written !== null && isPoisoned(written);
    const references = broken ? null : written === null ? entry.from : readReferences(written, context);
    if (references === null) {
      // A `from` that could not be read has been reported.
      if (written === null && !entry.fromWritten) this.#needsInputs(entry.typeSpan, label, 0);
      return [];
    }
    const count = references.list.length;
    if (count < 2) this.#needsInputs(references.span, label, count);
    return references.list.flatMap((reference) => {
      const input = at.scope.resolve(reference, at.index);
      if (input !== null) return input ?? [];
      return this.#defaultInput(reference.span, label);
    });
  }

  #needsInputs(span: Span, label: string, count: number): void {
    this.context.diagnostics.report("needs-inputs", headOf(span, this.context.sources), {
      layer: label,
      count: count === 0 ? "none are given" : "only one is given",
    });
  }

  /** `input` of a block that reads the model's default input: the only feature has a name. */
  #defaultInput(span: Span, label: string): readonly string[] {
    const [only, ...more] = this.features.keys();
    if (only !== undefined && more.length === 0) return [only];
    this.context.diagnostics.report("block-input-unclear", span, { layer: label });
    return [];
  }

  #count(span: Span): boolean {
    this.#steps += 1;
    if (this.#steps <= mostLayers) return true;
    this.#stopped = true;
    this.context.diagnostics.report("too-many-layers", headOf(span, this.context.sources), {
      limit: mostLayers,
    });
    return false;
  }

  #block(
    { block, given }: BlockUse,
    around: Surroundings,
    use: { name: string; input: Input; span: Span },
  ): Input {
    this.usedBlocks.add(block.name);
    if (block.layers === null || !this.#count(use.span)) return use.input;
    const { context } = this;
    if (around.inside.includes(block.name)) {
      const way = [...around.inside.slice(around.inside.indexOf(block.name)), block.name];
      context.diagnostics.report("block-cycle", use.span, {
        name: block.name,
        cycle: way.map((name) => `'${name}'`).join(" → "),
      });
      return use.input;
    }
    const scope = new Scope(this.#outermost(around.scope));
    defineParams(block.params, given, scope, `block '${block.name}'`, context);
    const output = this.#list(block.layers, {
      prefix: `${around.prefix}${use.name}/`,
      input: use.input,
      scope,
      inside: [...around.inside, block.name],
    });
    const used = this.usedParams.get(block.name) ?? new Set<string>();
    for (const name of scope.names) if (scope.isUsed(name)) used.add(name);
    this.usedParams.set(block.name, used);
    return output;
  }

  /** Blocks see the spec's parameters, not those of the block that uses them. */
  #outermost(scope: Scope): Scope {
    return scope.outer === null ? scope : this.#outermost(scope.outer);
  }

  #blockUse(entry: LayerEntry, around: Surroundings): BlockUse | null {
    if (entry.type !== "block" && entry.type !== "repeat") return null;
    const shape = entry.type === "block" ? blockUseShape : repeatShape;
    const owner: Owner = {
      title: `'${entry.type}'`,
      span: entry.typeSpan,
      path: `model.layers.${around.prefix}${entry.as?.name ?? entry.type}`,
    };
    const checked = readBody(entry.body, shape, owner, this.context);
    const key = entry.type === "block" ? "name" : "block";
    const node = checked?.nodes.get(key);
    if (checked === null || node?.kind !== "scalar" || typeof node.value !== "string") return null;
    const block = this.blocks.get(node.value);
    if (block === undefined) {
      this.#reportUnknownBlock(node);
      return null;
    }
    const times = (checked.values as { times?: number }).times ?? 1;
    if (times > mostLayers) {
      const span = checked.spans.times ?? entry.typeSpan;
      this.context.diagnostics.report("too-many-layers", span, { limit: mostLayers });
      return { block, times: 1, given: new Map() };
    }
    return { block, times, given: this.#given(checked.nodes.get("with"), block) };
  }

  #reportUnknownBlock(node: YamlScalar): void {
    const names = [...this.blocks.keys()];
    this.context.diagnostics.report(
      "unknown-block",
      node.span,
      { name: String(node.value), known: names.length === 0 ? "none" : names.join(", ") },
      didYouMean(String(node.value), names, node.span, isLiteral(node)),
    );
  }

  /** The values of `with`, by parameter. */
  #given(node: YamlNode | undefined, block: Block): ReadonlyMap<string, YamlScalar> {
    const given = new Map<string, YamlScalar>();
    if (node === undefined || isPoisoned(node)) return given;
    const declared = block.params?.kind === "map" ? [...block.params.entries.keys()] : [];
    if (node.kind !== "map") {
      this.#wrongWith(node, "'with'", "a map of parameters");
      return given;
    }
    for (const { key, keySpan, value } of node.entries.values()) {
      if (!declared.includes(key)) {
        this.context.diagnostics.report(
          "unknown-param",
          keySpan,
          { name: key, known: declared.length === 0 ? "none" : declared.join(", ") },
          didYouMean(key, declared, keySpan, true),
        );
      } else if (value.kind !== "scalar" || value.value === null) {
        this.#wrongWith(value, `parameter '${key}'`, "a number, a text or true/false");
      } else given.set(key, { ...value, source: "param" });
    }
    return given;
  }

  #wrongWith(node: YamlNode, what: string, wanted: string): void {
    this.context.diagnostics.report("wrong-type", headOf(node.span, this.context.sources), {
      what,
      wanted,
      given: describeNode(node),
      about: "'with' gives values to the block's parameters.",
    });
  }
}

/** Reads the `blocks` section. */
export function readBlocks(node: YamlNode | undefined, context: LoadContext): Map<string, Block> {
  const blocks = new Map<string, Block>();
  if (node?.kind !== "map") return blocks;
  for (const { key, keySpan, value } of node.entries.values()) {
    const owner: Owner = { title: `block '${key}'`, span: keySpan, path: `blocks.${key}` };
    const map: YamlMap | null = value.kind === "map" ? value : null;
    if (map === null) {
      context.diagnostics.report("wrong-type", headOf(value.span, context.sources), {
        what: owner.title,
        wanted: "a map with layers",
        given: describeNode(value),
        about: blockShape.summary,
      });
    }
    const checked = map === null ? null : checkShape(map, blockShape, owner, context);
    blocks.set(key, {
      name: key,
      nameSpan: keySpan,
      params: checked?.nodes.get("params"),
      layers: checked?.nodes.get("layers") ?? null,
    });
  }
  return blocks;
}
