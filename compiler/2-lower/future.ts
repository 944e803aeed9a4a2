/** @file Finds layers that show a decoder what it has to predict. */
import { type LayerUse, layerOf, type ResolvedSpec, withCells } from "../1-load/resolved-spec.js";
import { bug } from "../diagnostics/diagnostic.js";
import type { Diagnostics } from "../diagnostics/report.js";
import type { Span } from "../ir/origin.js";
import { type Shape, shapeOf } from "../ir/types.js";
import type { AnyLayerDef } from "../layers/define-layer.js";
import { layers as registry } from "../layers/index.js";
import { placeOf, titleOf } from "./blame.js";
import { outsideReads } from "./cell-reads.js";
import type { Walk } from "./walk.js";

/**
 * What a value tells of a sequence: its step t of steps up to t − `delay` of what `previous` gives, unless
 * some layer on the way looks further.
 */
interface Knowledge {
  readonly delay: number;
  /** The layer that looks ahead; null: none does. */
  readonly culprit: LayerUse | null;
  /** The last layer that moved steps to the front. */
  readonly mover: LayerUse | null;
}

/** The less of two that a decoder may know: later steps are worse, and a culprit is worst. */
const worse = (a: Knowledge | null, b: Knowledge): Knowledge => {
  if (a === null || (a.culprit === null && b.culprit !== null)) return b;
  return a.culprit !== null || a.delay <= b.delay ? a : b;
};

/** Does step t of the layer's output depend on later steps of this input? */
function looksAhead(layer: LayerUse, index: number): boolean {
  const roles = layer.roles ?? ["input"];
  const role = roles[index] ?? "input";
  if (layer.type === "recurrent") {
    return layer.fields.reverse === true || layer.fields.return !== "sequence";
  }
  return definitionOf(layer).looksAhead?.(layer.fields as never, role, roles) ?? false;
}

const definitionOf = ({ type }: LayerUse): AnyLayerDef =>
  registry.get(type) ?? bug(`unknown layer type '${type}'`);

const isDecisive = (layer: LayerUse, target: string): boolean =>
  layer.type === "previous" && layer.from.includes(target);

/** Of `previous` itself. */
const asShown: Knowledge = { delay: 0, culprit: null, mover: null };

/** What values tell of one sequence. */
function knowledgeOf(
  target: string,
  { layers }: ResolvedSpec,
  { sources }: Walk,
): (name: string) => Knowledge | null {
  const byName = new Map(layers.map((layer) => [layer.name, layer]));
  const known = new Map<string, Knowledge | null>();
  const shapeNamed = (name: string): Shape => {
    const value = sources.get(name)?.value;
    return value ? shapeOf(value) : [];
  };
  /** Of one input of a layer, as its output `name` has it. */
  const passedOn = (layer: LayerUse, name: string, index: number): Knowledge | null => {
    const from = layer.from[index] ?? "";
    const of = read(from);
    if (of === null || of.culprit !== null) return of;
    if (looksAhead(layer, index)) return { ...of, culprit: layer };
    const move = layer.type === "recurrent" ? undefined : definitionOf(layer).delay;
    if (move !== undefined) {
      const delay = of.delay + move(layer.fields as never, index, layer.from.map(shapeNamed));
      return { delay, culprit: null, mover: delay < of.delay ? layer : of.mover };
    }
    // Where there is not a step for each of the input's, one holds several.
    return shapeNamed(name)[1] === shapeNamed(from)[1] ? of : { ...of, culprit: layer };
  };
  const learn = (name: string): Knowledge | null => {
    const layer = byName.get(layerOf(name));
    if (layer === undefined || layer.type === "previous") {
      return layer && isDecisive(layer, target) ? asShown : null;
    }
    // `decoder.sequence` of a layer whose result is another.
    const word = name === layer.name ? undefined : name.slice(layer.name.length + 1);
    const shown = word === undefined || !("return" in layer.fields);
    const { fields, fieldSpans, span } = layer;
    const place = { ...fieldSpans, return: fieldSpans.type ?? span };
    const meant = shown
      ? layer
      : { ...layer, fields: { ...fields, return: word }, fieldSpans: place };
    const whole = outsideReads(layer).map(({ reader, name: from }): Knowledge | null => {
      const of = isDecisive(reader, target) ? asShown : read(from);
      return of === null || of.culprit !== null ? of : { ...of, culprit: reader };
    });
    // Of a recurrent layer the others of `from` are what its cell reads from outside.
    const inputs = layer.cell === undefined ? layer.from : layer.from.slice(0, 1);
    const ways = inputs.map((_, index) => passedOn(meant, name, index));
    return [...ways, ...whole].reduce<Knowledge | null>(
      (all, found) => (found === null ? all : worse(all, found)),
      null,
    );
  };
  /** Layers are many, and so are ways through them: each is followed once. */
  const read = (name: string): Knowledge | null => {
    const found = known.get(name);
    if (found !== undefined) return found;
    const learned = learn(name);
    known.set(name, learned);
    return learned;
  };
  // From the top, so that no way is followed deeper than one layer.
  for (const { name } of layers) read(name);
  return read;
}

/**
 * Reports a layer on the way from `previous` of a sequence to an output that predicts the same sequence,
 * if the layer looks at later steps: the output would copy what it should predict.
 */
export function checkFuture(
  spec: ResolvedSpec,
  walk: Walk,
  { output, target, loss }: { output: string; target: string; loss: Span },
  diagnostics: Diagnostics,
): void {
  const { layers } = spec;
  const known = knowledgeOf(target, spec, walk)(output);
  const culprit = known?.culprit ?? (known !== null && known.delay < 0 ? known.mover : null);
  if (culprit === null) return;
  const shown = withCells(layers).find((layer) => isDecisive(layer, target));
  const remedy = remedyFor(culprit, layers);
  diagnostics.report(
    "sees-the-future",
    placeOf(culprit, remedy.field ?? null),
    { layer: titleOf(culprit), target, remedy: remedy.text },
    {
      notes: [
        ...(shown === undefined
          ? []
          : [{ message: `'${target}' is shown to the decoder here`, span: placeOf(shown, null) }]),
        { message: "and predicted here", span: loss },
      ],
    },
  );
}

interface Remedy {
  readonly text: string;
  /** The setting to change, if it is one. */
  readonly field?: string;
}

const byType: Readonly<Record<string, Remedy>> = {
  conv1d: { text: "Set `padding: causal` and leave the stride at 1.", field: "padding" },
  crop1d: { text: "Take no more steps from the front than `concat` has put before the sequence." },
  batch_norm: { text: "Use `layer_norm` in its place." },
  group_norm: { text: "Use `layer_norm` in its place." },
};

const insideCell: Remedy = {
  text: "A cell reads what comes from outside whole, in every step: read `x`, the step's own part of the sequence, and keep in a state what is needed later.",
};

/** What to write instead. */
function remedyFor(layer: LayerUse, layers: readonly LayerUse[]): Remedy {
  const { name, type, fields, library } = layer;
  if (library === "transformer_encoder") {
    return {
      text: "Use `block: transformer_causal`, of which each step looks at earlier ones only.",
    };
  }
  if (library === "transformer_decoder") {
    return {
      text: "Its memory must be another sequence, such as an encoder's. To look at what has been said, use `block: transformer_causal`.",
    };
  }
  if (!layers.some((one) => one.name === name)) return insideCell;
  for (const field of ["bidirectional", "go_backwards", "reverse"]) {
    if (fields[field] !== true) continue;
    return { text: `Remove \`${field}\`: a decoder reads forwards.`, field };
  }
  if (fields.causal === false && layer.roles?.includes("memory")) {
    return {
      text: "To look at what has been said, leave the memory out and set `causal: true` (self-attention). A memory must be another sequence, such as an encoder's.",
    };
  }
  if (fields.causal === false) return { text: "Set `causal: true`.", field: "causal" };
  if ("return" in fields && fields.return !== "sequence") {
    const text =
      "Let what follows read all steps (`return: sequence`): then each has an output of its own.";
    return { text, field: "return" };
  }
  if (type === "recurrent") return insideCell;
  const otherwise =
    "Use a layer that works step by step: lstm or gru with `return: sequence`, attention with `causal: true`, conv1d with `padding: causal`.";
  return byType[type] ?? { text: otherwise };
}
