/**
 * @file From `layers` lists, blocks and repeats to the flat list of layers in execution order. Blocks
 * are expanded per use, with parameters of their own; layers inside get prefixed names.
 */
import type { Span } from "../../ir/origin.js";
import { layers as registry } from "../../layers/index.js";
import type { Owner } from "../check/check-shape.js";
import { readBody } from "../check/read-named.js";
import { headOf, type LoadContext } from "../context.js";
import { defineParams, Scope, substitute } from "../params.js";
import type { LayerUse } from "../resolved-spec.js";
import { inputsKey, layerShapes } from "../schema/layer-shapes.js";
import { describeNode, isPoisoned, type YamlNode } from "../yaml/tree.js";
import { type Block, type BlockUse, mostLayers, readBlockUse } from "./blocks.js";
import { type EntryPlace, manyInputs, oneInput } from "./inputs.js";
import { type LayerEntry, readLayerEntry } from "./layer-entry.js";
import { type FeatureNames, type NamedEntry, nameEntries } from "./names.js";
import { type Input, ListScope } from "./resolve.js";

/** Where in the expansion a list of layers stands. */
interface Surroundings {
  readonly prefix: string;
  /** What `from: input` means; undefined outside of blocks. */
  readonly input: Input | undefined;
  readonly params: Scope;
  /** Names of the blocks around, outermost first. */
  readonly inside: readonly string[];
  /** In the model's own list, the entry that all this is expanded from. */
  readonly use: Span | null;
}

/** One list of layers while it is walked. */
interface Level {
  readonly around: Surroundings;
  readonly scope: ListScope;
  readonly uses: ReadonlyMap<LayerEntry, BlockUse | null>;
}

export class Expander {
  readonly layers: LayerUse[] = [];
  /** Names that the model's own list gives, and full names of all layers, with the layer meant. */
  readonly outputs = new Map<string, string>();
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

  /** Was the model too large, or too full of mistakes, to be walked to its end? */
  get stopped(): boolean {
    return this.#stopped;
  }

  model(list: YamlNode, params: Scope): void {
    this.#list(list, { prefix: "", input: undefined, params, inside: [], use: null });
    for (const { name } of this.layers) this.outputs.set(name, name);
  }

  /** Expands a block that nothing uses, only to find its mistakes. */
  unusedBlock(block: Block, params: Scope): void {
    const layers = this.layers.length;
    const origins = this.context.origins.length;
    this.#block(
      { block, times: 1, given: new Map() },
      { prefix: "", input: undefined, params, inside: [], use: null },
      { name: block.name, input: "input", span: block.nameSpan },
    );
    this.layers.length = layers;
    this.context.origins.length = origins;
  }

  /** The output of the list's last entry; the list's input where there is none. */
  #list(node: YamlNode, around: Surroundings): Input {
    const { context, features } = this;
    const tree = substitute(node, around.params, context);
    if (tree.kind !== "list" || tree.items.length === 0) {
      if (!isPoisoned(tree)) {
        context.diagnostics.report("wrong-type", headOf(node.span, context.sources), {
          what: "'layers'",
          wanted: "a list with at least one layer",
          given: describeNode(tree),
          about: "Each layer begins with '- '.",
        });
      }
      return around.input ?? null;
    }
    const entries = tree.items.flatMap((item) =>
      context.diagnostics.isFull ? [] : (readLayerEntry(item, context) ?? []),
    );
    const uses = new Map(entries.map((entry) => [entry, this.#use(entry, around)] as const));
    const named = nameEntries(
      entries,
      (entry) => {
        const use = uses.get(entry) ?? null;
        return { stem: use?.block.name ?? entry.type, times: use?.times ?? 1 };
      },
      around.inside.length === 0 ? features : new Map(),
      new Set(around.input === undefined ? [] : ["input"]),
      context,
    );
    const { prefix, input } = around;
    const scope = new ListScope(
      named,
      { prefix, input, features, emitted: this.#emitted },
      context,
    );
    let last: Input = input ?? null;
    named.forEach((entry, index) => {
      if (!this.#stopped) last = this.#entry(entry, index, last, { around, scope, uses });
    });
    return last;
  }

  #use(entry: LayerEntry, { prefix, use: outer }: Surroundings): BlockUse | null {
    const path = `model.layers.${prefix}${entry.as?.name ?? entry.type}`;
    const use = readBlockUse(entry, this.blocks, path, this.context);
    return use !== null && this.#count(use.times, outer ?? entry.typeSpan) ? use : null;
  }

  #entry({ entry, name, uses }: NamedEntry, index: number, previous: Input, level: Level): Input {
    const { around, scope } = level;
    const define = (word: string, output: Input): void => {
      scope.define(word, output);
      if (around.inside.length === 0 && output !== null) this.outputs.set(word, output);
    };
    const use = level.uses.get(entry) ?? null;
    if (use !== null) {
      const title = `block '${use.block.name}'`;
      let output = oneInput(entry.from, { index, previous, scope, title }, this.context);
      for (const word of uses) {
        if (this.#stopped) break;
        output = this.#block(use, around, { name: word, input: output, span: entry.typeSpan });
        define(word, output);
      }
      define(name, output);
      return output;
    }
    const fullName = around.prefix + name;
    if (!this.#count(1, around.use ?? entry.span)) return previous;
    const title = entry.as === null ? entry.type : `${entry.type} '${entry.as.name}'`;
    this.#layer(entry, fullName, { index, previous, scope, title });
    this.#emitted.add(fullName);
    define(name, fullName);
    return fullName;
  }

  #layer(entry: LayerEntry, fullName: string, at: EntryPlace): void {
    const shape = layerShapes.get(entry.type);
    if (entry.unknown || shape === undefined) return;
    const { context, features } = this;
    const owner: Owner = {
      title: at.title,
      span: entry.typeSpan,
      path: `model.layers.${fullName}`,
    };
    const checked = readBody(entry.body, shape, owner, context);
    const merges = registry.get(entry.type)?.inputs === "many";
    const written = merges ? (checked?.nodes.get(inputsKey) ?? null) : null;
    const one = merges ? null : oneInput(entry.from, at, context);
    const from = merges
      ? manyInputs(entry, written, at, features, context)
      : one === null
        ? []
        : [one];
    const fieldSpans: Record<string, Span> = { ...checked?.spans, type: entry.typeSpan };
    if (entry.from !== null) fieldSpans.from = entry.from.span;
    else if (written !== null) fieldSpans.from = written.span;
    if (entry.as !== null) fieldSpans.as = entry.as.span;
    const fields: Record<string, unknown> = { ...checked?.values };
    if (merges) {
      delete fields[inputsKey];
      delete fieldSpans[inputsKey];
    }
    const named = entry.as !== null;
    this.layers.push({
      type: entry.type,
      name: fullName,
      named,
      from,
      fields,
      span: entry.span,
      fieldSpans,
    });
  }

  /** Layers and uses of blocks count before they are expanded: the work stays bounded as well. */
  #count(amount: number, span: Span): boolean {
    this.#steps += amount;
    if (this.context.diagnostics.isFull) this.#stopped = true;
    if (this.#steps <= mostLayers || this.#stopped) return !this.#stopped;
    this.#stopped = true;
    this.context.diagnostics.report("too-many-layers", headOf(span, this.context.sources), {
      limit: mostLayers,
    });
    return false;
  }

  #block(
    { block, given }: BlockUse,
    around: Surroundings,
    use: { readonly name: string; readonly input: Input; readonly span: Span },
  ): Input {
    this.usedBlocks.add(block.name);
    if (block.layers === null) return use.input;
    const { context } = this;
    if (around.inside.includes(block.name)) {
      const way = [...around.inside.slice(around.inside.indexOf(block.name)), block.name];
      context.diagnostics.report("block-cycle", use.span, {
        name: block.name,
        cycle: way.map((name) => `'${name}'`).join(" → "),
      });
      return use.input;
    }
    const params = new Scope(outermost(around.params), block.paramsKnown);
    defineParams(block.params, given, params, `block '${block.name}'`, context);
    const output = this.#list(block.layers, {
      prefix: `${around.prefix}${use.name}/`,
      input: use.input,
      params,
      inside: [...around.inside, block.name],
      use: around.use ?? use.span,
    });
    const used = this.usedParams.get(block.name) ?? new Set<string>();
    for (const name of params.names) if (params.isUsed(name)) used.add(name);
    this.usedParams.set(block.name, used);
    return output;
  }
}

/** Blocks see the spec's parameters, not those of the block that uses them. */
function outermost(scope: Scope): Scope {
  return scope.outer === null ? scope : outermost(scope.outer);
}
