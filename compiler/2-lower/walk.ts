/** @file Walks the layers of a spec and lowers each, threading values and their shapes. */
import type { FittedFacts, StateSpec } from "@dlc/runtime";
import {
  type LayerUse,
  ownerOf,
  type RecurrentCell,
  type ResolvedSpec,
  updateNameOf,
} from "../1-load/resolved-spec.js";
import { bug } from "../diagnostics/diagnostic.js";
import type { Diagnostics } from "../diagnostics/report.js";
import type { GraphBuilder } from "../ir/builder.js";
import { formatShape, sameShape } from "../ir/shape.js";
import { type Shape, shapeOf, typeOf, type Value } from "../ir/types.js";
import type { AnyLayerDef, LayerContext } from "../layers/define-layer.js";
import { layers as registry } from "../layers/index.js";
import { normalOf } from "../layers/random/normal.js";
import {
  blame,
  isRejection,
  LayerRejection,
  placeOf,
  type Source,
  titleOf,
  trail,
} from "./blame.js";
import { classesOf, encode, idsOf, maskOf, vocabularyOf } from "./features.js";
import {
  checkTypes,
  type Given,
  givenBy,
  maskAfter,
  nothingGiven,
  readable,
  refusedInput,
  type Said,
} from "./padded.js";
import { lowerCell } from "./recurrent.js";
import { requireSize } from "./size.js";
import { TokenWeights } from "./token-weights.js";
import { isFrozen } from "./tuning.js";

/** A trained tensor as the walk met it. */
export interface WalkedWeight {
  readonly name: string;
  readonly value: Value;
  readonly decay: boolean;
  /** The layer's own penalties. */
  readonly l1: number;
  readonly l2: number;
  readonly layer: LayerUse;
  /** What phases call its owner: a network, or what stands in the model's own list. */
  readonly owner: string;
}

export interface Walk {
  readonly b: GraphBuilder;
  /** Features that were read and all layers, in order. */
  readonly sources: ReadonlyMap<string, Source>;
  readonly state: Readonly<Record<string, StateSpec>>;
  readonly weights: readonly WalkedWeight[];
  /** By weight that has a row or column for each token: the text whose tokens these are. */
  readonly tokenWeights: ReadonlyMap<string, string>;
  /** New values of buffers; empty unless training. */
  readonly updates: readonly {
    readonly name: string;
    readonly value: Value;
    readonly owner: string;
  }[];
}

export interface WalkOptions {
  readonly b: GraphBuilder;
  readonly training: boolean;
  readonly spec: ResolvedSpec;
  readonly facts: FittedFacts;
  readonly diagnostics: Diagnostics;
  /** Lower only these layers. Default: all. */
  readonly only?: ReadonlySet<string>;
  /** A layer whose output is standard normal numbers of this shape, whatever it reads. */
  readonly prior?: { readonly name: string; readonly shape: Shape } | null;
}

/** Lowers every layer. A layer that is rejected is reported and poisons what reads it, silently. */
export function walk({
  b,
  training,
  spec,
  facts,
  diagnostics,
  only,
  prior = null,
}: WalkOptions): Walk {
  const sources = new Map<string, Source>();
  const state: Record<string, StateSpec> = {};
  const weights: WalkedWeight[] = [];
  const updates = new Map<string, { name: string; value: Value; owner: string }>();
  const features = spec.data?.features ?? {};
  const columns = { ...features, ...spec.data?.targets };
  const tokens = new TokenWeights(columns, facts);
  const blamed = new Set<string>();
  let sites = 0;
  /** Cells of recurrent layers around the layer at hand. */
  let cellDepth = 0;

  /** A feature (a target, of layers that may read one) or an earlier layer, by name. */
  function source(name: string): Source {
    const known = sources.get(name);
    if (known !== undefined) return known;
    const feature = columns[name];
    if (feature === undefined) return bug(`'${name}' is neither a feature nor an earlier layer`);
    const span = spec.dataSpans[name] ?? null;
    b.origin = { layer: `data.${name}`, type: feature.type, span, phase: "forward" };
    const value = encode(b, name, feature, facts);
    const mask = maskOf(b, name, feature);
    const ids = idsOf(name, feature, facts);
    const made: Source = { name, type: feature.type, span, from: [], value, mask, ids };
    sources.set(name, made);
    return made;
  }

  /** How many classes or tokens a feature, a target or a layer that gives ids has. */
  function countOf(name: string): number | null {
    const column = columns[name];
    if (column === undefined) return sources.get(name)?.ids?.count ?? null;
    if (column.type === "category") return classesOf(name, column, facts).length;
    return column.type === "text" ? vocabularyOf(name, facts).length : null;
  }

  /** Frozen, and of a kind that computes then as in inference? */
  const isStill = (layer: LayerUse): boolean =>
    registry.get(layer.type)?.stillWhenFrozen === true && isFrozen(spec.train, ownerOf(layer));

  function contextOf(
    layer: LayerUse,
    values: readonly Value[],
    names: readonly string[],
    { masks, ids }: Given,
    said: Said,
  ): LayerContext<Record<never, never>> {
    const owner = ownerOf(layer);
    const own = (name: string): string => `${owner}.${name}`;
    /** Is it met for the first time? Later uses of a network find the tensors of the first. */
    const declare = (name: string, specification: StateSpec): boolean => {
      const known = state[name];
      state[name] ??= specification;
      if (known === undefined) return true;
      if (layer.shared === undefined) bug(`two state tensors are named '${name}'`);
      if (!sameShape(known.shape, specification.shape)) {
        throw new LayerRejection(sizesDiffer(layer, name, known, specification), null);
      }
      return false;
    };
    const tensor = (name: string, { dtype, shape }: StateSpec): Value =>
      b.state(name, dtype, shape);
    const random = (shape: Shape): Value =>
      b.randomUniform(b.input("random_key", "scalar", "u32", []), { shape, site: sites++ });
    return {
      b,
      inputs: values,
      inputNames: names,
      inputRoles: layer.roles ?? ["input"],
      get x() {
        return values[0] ?? bug(`layer '${layer.name}' has no input`);
      },
      fields: layer.fields,
      name: layer.name,
      training: training && !isStill(layer),
      classes: ids[0]?.count ?? null,
      ids,
      masks,
      classesOf: countOf,
      setMask(mask) {
        said.mask = mask;
      },
      setIds(given) {
        said.ids = given;
      },
      weight(name, shape, init, options = {}) {
        const { decay = false, l1 = 0, l2 = 0 } = options;
        const full = own(name);
        requireSize(name, shape);
        const specification = { dtype: "f32", shape, role: "weight", init, layer: owner } as const;
        const isNew = declare(full, specification);
        const value = tensor(full, specification);
        tokens.note(full, shape, layer, ids);
        if (isNew) {
          weights.push({ name: full, value, decay, l1, l2, layer, owner: updateNameOf(layer) });
        }
        return value;
      },
      buffer(name, shape, init) {
        const full = own(name);
        const specification = { dtype: "f32", shape, role: "buffer", init, layer: owner } as const;
        declare(full, specification);
        // Of several uses of a network each moves what the one before has left.
        return updates.get(full)?.value ?? tensor(full, specification);
      },
      update(name, next) {
        if (cellDepth > 0) {
          throw new LayerRejection(
            "keeps running statistics, which cannot move inside of a recurrent cell: use layer_norm, or put it outside",
            null,
          );
        }
        if (!training) bug(`layer '${layer.name}' updates '${name}' outside training`);
        const full = own(name);
        updates.set(full, { name: full, value: next, owner: updateNameOf(layer) });
      },
      random,
      normal: (shape) => normalOf(b, random, shape),
      step: () =>
        training
          ? b.input("step", "scalar", "f32", [])
          : bug(`layer '${layer.name}' counts updates outside training`),
      also(name, value, mask = null) {
        const full = `${layer.name}.${name}`;
        const { type, span } = layer;
        sources.set(full, { name: full, type, span, from: names, value, mask });
      },
      reject(reason, field) {
        throw new LayerRejection(reason, field ?? null);
      },
    };
  }

  /** A recurrent layer: its cell's layers are lowered inside of a loop. */
  function lowerRecurrent(layer: LayerUse, cell: RecurrentCell): void {
    const { name, type, span, from } = layer;
    const define = (
      full: string,
      value: Value | null,
      reads: readonly string[] = from,
      mask: Value | null = null,
    ): void => void sources.set(full, { name: full, type, span, from: reads, value, mask });
    const inputs = from.map(source);
    const x = inputs[0]?.value ?? null;
    const mask = inputs[0]?.mask ?? null;
    const finish = (values: { sequence: Value; last: Value } | null): void => {
      const result = layer.fields.return as "sequence" | "last";
      for (const word of ["sequence", "last"] as const) {
        const padding = word === "sequence" ? mask : null;
        const value = values?.[word] ?? null;
        define(`${name}.${word}`, value, from, padding);
        if (word === result) define(name, value, from, padding);
      }
    };
    if (x === null || inputs.some(({ value }) => value === null)) {
      finish(null);
      return;
    }
    b.origin = { layer: name, type, span, phase: "forward" };
    const first = weights.length;
    cellDepth++;
    try {
      finish(
        lowerCell({
          ...{ b, layer, cell, x, mask },
          read: (of) => source(of).value,
          define: (of, value) => define(of, value, []),
          lower: lowerAny,
        }),
      );
    } catch (error) {
      if (!isRejection(error)) throw error;
      blame(diagnostics, layer, error, sources, from);
      finish(null);
    } finally {
      cellDepth--;
    }
    // In the loop weights go by other values: what counts is the state that these stand for.
    for (const [i, weight] of weights.entries()) {
      if (i < first) continue;
      b.origin = { ...weight.value.node.origin, layer: weight.layer.name };
      const { dtype, shape } = typeOf(weight.value);
      weights[i] = { ...weight, value: b.state(weight.name, dtype, shape) };
    }
  }

  function lowerAny(layer: LayerUse): void {
    if (layer.cell === undefined) lowerLayer(layer);
    else lowerRecurrent(layer, layer.cell);
  }

  function lowerLayer(layer: LayerUse): void {
    const definition: AnyLayerDef =
      registry.get(layer.type) ?? bug(`unknown layer type '${layer.type}'`);
    const isSource = definition.inputs === "none";
    const written = layer.from.length > 0 || isSource;
    const names = written ? layer.from : defaultInputs(layer);
    const inputs = names.map(source);
    const said: Said = { mask: null, ids: null };
    const finished = (value: Value | null, mask: Value | null = null): void =>
      defineOutputs(layer, names, definition, { value, mask, ids: said.ids });
    const isBroken = inputs.some(({ value }) => value === null);
    if (isBroken || (names.length === 0 && !isSource)) {
      finished(null);
      return;
    }
    b.origin = { layer: layer.name, type: layer.type, span: layer.span, phase: "forward" };
    const { values, ...given } = written ? givenBy(inputs) : joined(inputs);
    try {
      checkTypes(definition, values, given.ids, names);
      const read = readable(b, definition, values, given);
      const value = definition.lower(contextOf(layer, read, names, given, said));
      requireSize("its output", shapeOf(value));
      const refused = refusedInput(definition, given);
      if (refused === null) finished(value, maskAfter(b, definition, value, given, said));
      else {
        reportPadded(layer, definition, names[refused] ?? "");
        finished(null);
      }
    } catch (error) {
      reportRejection(layer, error, names);
      finished(null);
    }
  }

  /** A layer's result; where it has none, neither has it further outputs. */
  function defineOutputs(
    { name, type, span }: LayerUse,
    from: readonly string[],
    { outputs = {} }: AnyLayerDef,
    made: Pick<Source, "value" | "mask" | "ids">,
  ): void {
    sources.set(name, { name, type, span, from, ...made });
    for (const output of made.value === null ? Object.keys(outputs) : []) {
      const further = `${name}.${output}`;
      sources.set(further, { name: further, type, span, from, value: null });
    }
  }

  function reportRejection(layer: LayerUse, error: unknown, names: readonly string[]): void {
    if (!isRejection(error)) throw error;
    // A block that is used twice has one mistake.
    const mistake = JSON.stringify([layer.span, error.message]);
    if (!blamed.has(mistake)) blame(diagnostics, layer, error, sources, names);
    blamed.add(mistake);
  }

  /** A layer that cannot tell padding from data got a sequence that has some. */
  function reportPadded(layer: LayerUse, { paddingRemedy }: AnyLayerDef, input: string): void {
    const mistake = JSON.stringify([layer.span, "padded-input"]);
    if (blamed.has(mistake)) return;
    blamed.add(mistake);
    const remedy =
      paddingRemedy ??
      "Put a layer before it that takes the steps together: a recurrent one, or a pool.";
    const names = { layer: titleOf(layer), input, remedy };
    const notes = trail([input], sources);
    diagnostics.report("padded-input", placeOf(layer, null), names, { notes });
  }

  /** Random numbers in the place of a layer's output. */
  function lowerPrior(layer: LayerUse, shape: Shape): void {
    const { name, type, span } = layer;
    b.origin = { layer: name, type, span, phase: "forward" };
    const value = contextOf(layer, [], [], nothingGiven, { mask: null, ids: null }).normal(shape);
    sources.set(name, { name, type, span, from: [], value });
  }

  /** The only feature, or all that are one axis of numbers after encoding. */
  function defaultInputs(layer: LayerUse): readonly string[] {
    const names = Object.keys(features);
    const flat = names.filter((name) => {
      const value = names.length === 1 ? null : source(name).value;
      return value === null || (shapeOf(value).length === 2 && typeOf(value).dtype === "f32");
    });
    if (flat.length === 0) {
      const reason =
        names.length === 0
          ? "the spec has no features"
          : `none of the features (${names.join(", ")}) is a list of numbers`;
      const title = titleOf(layer);
      diagnostics.report("no-default-input", placeOf(layer, null), { layer: title, reason });
    }
    return flat;
  }

  /** What a layer without `from` reads: an only feature, or all as one row of numbers. */
  function joined(inputs: readonly Source[]): Given & { readonly values: readonly Value[] } {
    const { values, ...given } = givenBy(inputs);
    if (values.length === 1) return { values, ...given };
    return { values: [b.concat(values, { axis: 1 })], masks: [null], ids: [null] };
  }

  for (const layer of spec.layers) {
    if (only?.has(layer.name) === false) continue;
    if (layer.name === prior?.name) lowerPrior(layer, prior.shape);
    else lowerAny(layer);
  }
  return { b, sources, state, weights, tokenWeights: tokens.texts, updates: [...updates.values()] };
}

/** Two uses of a network ask for a tensor in different sizes. */
function sizesDiffer(layer: LayerUse, name: string, known: StateSpec, wanted: StateSpec): string {
  const network = layer.shared?.network ?? "";
  const tensor = name.slice(network.length + 1);
  return `shares its weights with every use of network '${network}', but needs ${tensor} as ${formatShape(wanted.shape)} here and as ${formatShape(known.shape)} at an earlier use: give all uses inputs of the same shape`;
}
