/**
 * @file From `layers` lists, blocks, repeats and networks to the flat list of layers in execution
 * order. Blocks are expanded per use, with parameters of their own; networks too, but every use has
 * the same weights. Layers inside get prefixed names.
 */
import type { Span } from "../../ir/origin.js";
import { layers as registry } from "../../layers/index.js";
import type { Owner } from "../check/check-shape.js";
import { readBody } from "../check/read-named.js";
import { headOf, type LoadContext } from "../context.js";
import { defineParams, Scope, substitute } from "../params.js";
import {
  type LayerUse,
  type RecurrentState,
  type SharedLayer,
  withCells,
} from "../resolved-spec.js";
import { recurrentShape } from "../schema/recurrent-shape.js";
import { describeNode, isPoisoned, type YamlNode } from "../yaml/tree.js";
import { type BlockUse, blockInputs, mostLayers, readBlockUse } from "./block-use.js";
import { type Block, inputsOf } from "./blocks.js";
import { defaultInput, type EntryPlace, oneInput } from "./inputs.js";
import { type LayerEntry, type Reference, readLayerEntry, readReferences } from "./layer-entry.js";
import { readLayerUse } from "./layer-use.js";
import { placedAt } from "./library.js";
import { type FeatureNames, type NamedEntry, nameEntries } from "./names.js";
import { type Network, networkInputs, readUse } from "./networks.js";
import { declaredStates, readNext, readStates } from "./recurrent.js";
import { type Input, ListScope } from "./resolve.js";
import { type NetworkUse, outermost, outermostList, type Surroundings } from "./surroundings.js";

/** One list of layers while it is walked. */
interface Level {
  readonly around: Surroundings;
  readonly scope: ListScope;
  readonly uses: ReadonlyMap<LayerEntry, BlockUse | null>;
  readonly networks: ReadonlyMap<LayerEntry, Network | null>;
}

export class Expander {
  readonly layers: LayerUse[] = [];
  /** Names that the model's own list gives, and full names of all layers, with the layer meant. */
  readonly outputs = new Map<string, string>();
  readonly usedBlocks = new Set<string>();
  readonly networkUses: NetworkUse[] = [];
  /** Of each block: the parameters that some use read. */
  readonly usedParams = new Map<string, Set<string>>();
  readonly #emitted = new Set<string>();
  #steps = 0;
  #stopped = false;

  constructor(
    readonly blocks: ReadonlyMap<string, Block>,
    readonly networks: ReadonlyMap<string, Network>,
    readonly features: FeatureNames,
    readonly targets: FeatureNames,
    readonly context: LoadContext,
  ) {}

  /** Was the model too large, or too full of mistakes, to be walked to its end? */
  get stopped(): boolean {
    return this.#stopped;
  }

  model(list: YamlNode, params: Scope): void {
    this.#list(list, { ...outermostList, params });
    for (const { name } of this.layers) this.outputs.set(name, name);
    // `encoder.last`, too.
    for (const [name, full] of [...this.outputs]) {
      for (const word of this.#furtherOutputs(full)) {
        this.outputs.set(`${name}.${word}`, `${full}.${word}`);
      }
    }
  }

  /** Expands a block that nothing uses, only to find its mistakes. */
  unusedBlock(block: Block, params: Scope): void {
    this.#aside(() =>
      this.#block(
        { block, times: 1, given: new Map(), references: new Map() },
        { ...outermostList, params },
        { name: block.name, inputs: inputsOf(block, "input"), span: block.nameSpan },
      ),
    );
  }

  /** The same for a network. */
  unusedNetwork(network: Network, params: Scope): void {
    const inputs = new Map<string, Input>(network.inputs.map((name) => [name, "input"]));
    const { name, nameSpan: span } = network;
    this.#aside(() => this.#network(network, { ...outermostList, params }, { name, inputs, span }));
  }

  /** Expands something only for its diagnostics. */
  #aside(expand: () => void): void {
    const { layers, networkUses } = this;
    const { origins } = this.context;
    const lengths = [layers.length, networkUses.length, origins.length] as const;
    expand();
    [layers.length, networkUses.length, origins.length] = lengths;
  }

  /** The output of the list's last entry; the list's input where there is none. */
  #list(
    node: YamlNode,
    around: Surroundings,
    onEnd: (scope: ListScope, length: number) => void = () => {},
  ): Input {
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
      return around.input;
    }
    const entries = tree.items.flatMap((item) =>
      context.diagnostics.isFull ? [] : (readLayerEntry(item, context) ?? []),
    );
    const uses = new Map(entries.map((entry) => [entry, this.#use(entry, around)] as const));
    const path = `model.layers.${around.prefix}use`;
    const networks = new Map(
      entries.map((e) => [e, readUse(e, this.networks, path, context)] as const),
    );
    const isModel = around.inside.length === 0 && around.shared === null;
    const named = nameEntries(
      entries,
      (entry) => {
        const use = uses.get(entry) ?? null;
        const stem = use?.block.name ?? networks.get(entry)?.name ?? entry.type;
        return { stem, times: use?.times ?? 1 };
      },
      isModel ? features : new Map(),
      new Set(around.inputs.keys()),
      context,
    );
    const { prefix, inputs } = around;
    // A network sees nothing but its inputs: features reach it through them.
    const nothing: FeatureNames = new Map();
    const visible = around.shared === null ? features : nothing;
    const targets = around.shared === null ? this.targets : nothing;
    const emitted = this.#emitted;
    const further = (name: string): readonly string[] => this.#furtherOutputs(name);
    const { outside } = around;
    const surroundings = {
      ...{ prefix, inputs, features: visible, targets, emitted, further },
      ...(outside === undefined ? {} : { outside }),
    };
    const scope = new ListScope(named, surroundings, context);
    let last = around.input;
    named.forEach((entry, index) => {
      if (!this.#stopped) last = this.#entry(entry, index, last, { around, scope, uses, networks });
    });
    onEnd(scope, named.length);
    return last;
  }

  /** Outputs of a layer beside its result. */
  #furtherOutputs(name: string): readonly string[] {
    const type = this.layers.find((layer) => layer.name === name)?.type ?? "";
    if (type === "recurrent") return ["sequence", "last"];
    return Object.keys(registry.get(type)?.outputs ?? {});
  }

  #use(entry: LayerEntry, around: Surroundings): BlockUse | null {
    const { prefix, use: outer } = around;
    const path = `model.layers.${prefix}${entry.as?.name ?? entry.type}`;
    const { module } = around;
    const use = readBlockUse(entry, module ?? this.blocks, module !== null, path, this.context);
    return use !== null && this.#count(use.times, outer ?? entry.typeSpan) ? use : null;
  }

  #entry({ entry, name, uses }: NamedEntry, index: number, previous: Input, level: Level): Input {
    const { around, scope } = level;
    const define = (word: string, output: Input): void => {
      scope.define(word, output);
      const isModel = around.inside.length === 0 && around.shared === null;
      if (isModel && output !== null) this.outputs.set(word, output);
    };
    const use = level.uses.get(entry) ?? null;
    if (use !== null) {
      const title = `block '${use.block.name}'`;
      let output = oneInput(entry.from, { index, previous, scope, title }, this.context);
      for (const word of uses) {
        if (this.#stopped) break;
        const inputs = blockInputs(use, output, { scope, index });
        output = this.#block(use, around, { name: word, inputs, span: entry.typeSpan });
        define(word, output);
      }
      define(name, output);
      return output;
    }
    const network = level.networks.get(entry) ?? null;
    if (network !== null) {
      if (!this.#count(1, around.use ?? entry.span)) return previous;
      const title = `network '${network.name}'`;
      const at = { index, previous, scope, title };
      const inputs = networkInputs(network, entry, at, this.context);
      const span = headOf(entry.as?.span ?? entry.typeSpan, this.context.sources);
      const output = this.#network(network, around, { name, inputs, span });
      define(name, output);
      return output;
    }
    const fullName = around.prefix + name;
    if (!this.#count(1, around.use ?? entry.span)) return previous;
    const title = entry.as === null ? entry.type : `${entry.type} '${entry.as.name}'`;
    const readsTargets = registry.get(entry.type)?.readsTargets === true;
    const at = { index, previous, scope, title, readsTargets };
    if (entry.type === "recurrent") this.#recurrent(entry, fullName, around, at);
    else {
      const { features, targets, context } = this;
      const data = { features, targets };
      this.layers.push(...readLayerUse(entry, fullName, around, at, data, context));
    }
    this.#emitted.add(fullName);
    define(name, fullName);
    return fullName;
  }

  #recurrent(entry: LayerEntry, fullName: string, around: Surroundings, at: EntryPlace): void {
    const { context, features } = this;
    const path = `model.layers.${fullName}`;
    const owner: Owner = { title: at.title, span: entry.typeSpan, path };
    const checked = readBody(entry.body, recurrentShape, owner, context);
    const cellNode = checked?.nodes.get("cell");
    if (checked === null || cellNode === undefined) return;
    const over = checked.nodes.get("over");
    if (over !== undefined && entry.fromWritten) {
      const span = headOf(entry.from?.span ?? over.span, context.sources);
      context.diagnostics.report("inputs-twice", span, { layer: at.title });
    }
    const written = over === undefined ? entry.from : readReferences(over, context);
    const sequence = oneInput(written, at, context);
    const [input = ""] =
      sequence === null ? defaultInput(entry.typeSpan, at.title, features, context) : [sequence];

    const prefix = `${fullName}/`;
    const states = readStates(checked.nodes, owner, context);
    const next = readNext(checked.nodes, states, owner, context);
    const inputs = new Map<string, Input>(
      ["x", ...declaredStates(checked.nodes)].map((name) => [name, prefix + name]),
    );
    const first = this.layers.length;
    const nextNames = new Map<string, string>();
    let output: Input = null;
    const last = this.#list(
      cellNode,
      {
        ...around,
        ...{ prefix, input: `${prefix}x`, inputs, outside: at.scope },
        // No name of a block: it only says that this is not the model's own list.
        inside: [...around.inside, "(cell)"],
        use: around.use ?? entry.span,
      },
      (scope, length) => {
        for (const [name, reference] of next) {
          const resolved = scope.resolve(reference, length);
          if (typeof resolved === "string") nextNames.set(name, resolved);
        }
        const node = checked.nodes.get("output");
        const reference = node === undefined ? undefined : readReferences(node, context)?.list[0];
        if (reference !== undefined) output = scope.resolve(reference, length) ?? null;
      },
    );
    const layers = this.layers.splice(first);
    const resolved = states.flatMap((state): RecurrentState[] => {
      const [name, reference] = [nextNames.get(state.name), next.get(state.name)];
      if (name === undefined || reference === undefined) return [];
      const named = (word: Reference | null): string | null =>
        word === null ? null : (at.scope.resolve(word, at.index) ?? null);
      const [like, start] = [named(state.like), named(state.start)];
      return [{ ...state, like, start, next: { name, span: reference.span } }];
    });
    const isOutside = (name: string | null): name is string =>
      name !== null && name !== input && !name.startsWith(prefix);
    const outside = [
      ...withCells(layers).flatMap(({ from }) => from),
      ...resolved.flatMap(({ like, start, next }) => [like, start, next.name]),
      output ?? last,
    ].filter(isOutside);
    const from = [input, ...new Set(outside)];
    const { prefix: sharedPrefix = "", ...use } = around.shared ?? {};
    const shared = { ...use, layer: fullName.slice(sharedPrefix.length), isOutput: false };
    this.layers.push({
      type: "recurrent",
      name: fullName,
      named: entry.as !== null,
      from,
      roles: from.map((_, i) => (i === 0 ? "input" : "outside")),
      fields: { return: checked.values.return, reverse: checked.values.reverse },
      ...(around.shared === null ? {} : { shared: shared as SharedLayer }),
      cell: { layers, states: resolved, output: output ?? last ?? `${prefix}x` },
      span: entry.span,
      fieldSpans: { ...checked.spans, type: entry.typeSpan },
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
    use: {
      readonly name: string;
      readonly inputs: ReadonlyMap<string, Input>;
      readonly span: Span;
    },
  ): Input {
    const isShipped = block.module !== null;
    if (!isShipped) this.usedBlocks.add(block.name);
    const [input = null] = use.inputs.values();
    if (block.layers === null) return input;
    const { context } = this;
    if (around.inside.includes(block.key)) {
      const way = [...around.inside.slice(around.inside.indexOf(block.key)), block.name];
      context.diagnostics.report("block-cycle", use.span, {
        name: block.name,
        cycle: way.map((name) => `'${name}'`).join(" → "),
      });
      return input;
    }
    const [declared, layers] = [block.params, block.layers].map((node) =>
      node && isShipped ? placedAt(node, use.span) : node,
    );
    const seen = isShipped ? new Scope(null) : outermost(around.params);
    const params = new Scope(seen, block.paramsKnown);
    defineParams(declared ?? undefined, given, params, `block '${block.name}'`, context);
    const output = this.#list(layers ?? block.layers, {
      prefix: `${around.prefix}${use.name}/`,
      input,
      inputs: use.inputs,
      params,
      inside: [...around.inside, block.key],
      module: block.module,
      networks: around.networks,
      shared: around.shared,
      use: around.use ?? use.span,
    });
    if (isShipped) return output;
    const used = this.usedParams.get(block.name) ?? new Set<string>();
    for (const name of params.names) if (params.isUsed(name)) used.add(name);
    this.usedParams.set(block.name, used);
    return output;
  }

  #network(
    network: Network,
    around: Surroundings,
    use: {
      readonly name: string;
      readonly inputs: ReadonlyMap<string, Input>;
      readonly span: Span;
    },
  ): Input {
    const { context, layers } = this;
    const [input = null] = use.inputs.values();
    if (network.layers === null) return input;
    if (around.networks.includes(network.name)) {
      const way = [...around.networks.slice(around.networks.indexOf(network.name)), network.name];
      const cycle = way.map((name) => `'${name}'`).join(" → ");
      context.diagnostics.report("network-cycle", use.span, { name: network.name, cycle });
      return input;
    }
    const prefix = `${around.prefix}${use.name}/`;
    const useName = around.prefix + use.name;
    const output = this.#list(network.layers, {
      prefix,
      input,
      inputs: use.inputs,
      params: outermost(around.params),
      inside: [],
      networks: [...around.networks, network.name],
      module: null,
      shared: { network: network.name, prefix, use: use.span, useName },
      use: around.use ?? use.span,
    });
    const at = layers.findIndex(({ name }) => name === output);
    const layer = layers[at];
    if (layer?.shared?.useName === useName) {
      layers[at] = { ...layer, shared: { ...layer.shared, isOutput: true } };
    }
    this.networkUses.push({ network: network.name, name: useName, output });
    return output;
  }
}
