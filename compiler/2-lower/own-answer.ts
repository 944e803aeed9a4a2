/** @file Finds outputs that score the tokens of a text with these very tokens at hand. */
import { saidBefore } from "../1-load/model/generate-sequence.js";
import { type LayerUse, layerOf, type ResolvedSpec } from "../1-load/resolved-spec.js";
import { bug } from "../diagnostics/diagnostic.js";
import type { Diagnostics } from "../diagnostics/report.js";
import type { Span } from "../ir/origin.js";
import { type Shape, shapeOf } from "../ir/types.js";
import { layers as registry } from "../layers/index.js";
import { placeOf, titleOf } from "./blame.js";
import { outsideReads } from "./cell-reads.js";
import type { Walk } from "./walk.js";

/** What a value holds of the tokens themselves, not of those before. */
interface Sight {
  /** The layer that reads the text. */
  readonly reader: LayerUse;
  /** By how many steps its tokens come late; negative would be early. Null: every step sees all of them. */
  readonly delay: number | null;
}

/** What loses tokens on purpose (noise), or keeps a choice of few. Learning to restore them is no copying. */
const lossy: ReadonlySet<string> = new Set([
  ...["masking_noise", "gaussian_noise", "sample_normal"],
  ...["codes", "gumbel_softmax"],
]);

/** The clearer of two: a step that has its own token, before one that may look for it. */
function clearer(a: Sight | null, b: Sight | null): Sight | null {
  if (a === null || b === null) return a ?? b;
  if (a.delay === null) return isEarly(b) ? b : a;
  return b.delay !== null && b.delay < a.delay ? b : a;
}

const isEarly = ({ delay }: Sight): boolean => delay !== null && delay <= 0;

/** What values hold of a text (or of a layer's ids), on ways that keep its steps. */
function sightOf(
  target: string,
  { layers }: ResolvedSpec,
  { sources }: Walk,
): (name: string) => Sight | null {
  const byName = new Map(layers.map((layer) => [layer.name, layer]));
  const seen = new Map<string, Sight | null>();
  const shapeNamed = (name: string): Shape => {
    const value = sources.get(name)?.value;
    return value ? shapeOf(value) : [];
  };
  const passedOn = (layer: LayerUse, name: string, inputs: readonly string[], index: number) => {
    const from = inputs[index] ?? "";
    const of = from === target ? { reader: layer, delay: 0 } : read(from);
    if (of === null || lossy.has(layer.type)) return null;
    const role = layer.roles?.[index] ?? "input";
    // All of a memory is looked up at each step.
    if (role === "memory") return { ...of, delay: null };
    const definition = registry.get(layer.type) ?? bug(`unknown layer type '${layer.type}'`);
    const move = layer.type === "recurrent" ? undefined : definition.delay;
    if (move !== undefined && of.delay !== null) {
      const by = move(layer.fields as never, index, inputs.map(shapeNamed));
      return { ...of, delay: of.delay + by };
    }
    // What has fewer steps, or none, is a summary: a text behind it is put into other words.
    const [before, after] = [shapeNamed(from), shapeNamed(name)];
    return after.length >= 3 && after[1] === before[1] ? of : null;
  };
  const learn = (name: string): Sight | null => {
    const layer = byName.get(layerOf(name));
    if (layer === undefined || layer.type === "previous" || name === target) return null;
    const inputs = layer.from.length > 0 ? layer.from : (sources.get(layer.name)?.from ?? []);
    // Of a recurrent layer the others of `from` are what its cell reads from outside.
    const ways = (layer.cell === undefined ? inputs : inputs.slice(0, 1)).map((_, index) =>
      passedOn(layer, name, inputs, index),
    );
    const whole = outsideReads(layer).map(({ reader, name: from }): Sight | null => {
      if (reader.type === "previous") return null;
      const of = from === target ? { reader } : read(from);
      return of && { ...of, delay: null };
    });
    return [...ways, ...whole].reduce<Sight | null>(clearer, null);
  };
  /** Layers are many, and so are ways through them: each is followed once. */
  const read = (name: string): Sight | null => {
    const found = seen.get(name);
    if (found !== undefined) return found;
    const learned = learn(name);
    seen.set(name, learned);
    return learned;
  };
  // From the top, so that no way is followed deeper than one layer.
  for (const { name } of layers) read(name);
  return read;
}

/**
 * Reports an output that predicts tokens and reads them: as an error where it is a decoder, which means to
 * predict each from those before it; else as a warning, since it learns no more than to copy.
 */
export function checkOwnAnswer(
  spec: ResolvedSpec,
  walk: Walk,
  { output, target, loss }: { output: string; target: string; loss: Span },
  diagnostics: Diagnostics,
): void {
  const sight = sightOf(target, spec, walk)(output);
  if (sight === null || (sight.delay !== null && sight.delay > 0)) return;
  const isDecoder = saidBefore(layerOf(output), spec.layers).includes(target);
  const { reader } = sight;
  diagnostics.report(
    isDecoder && isEarly(sight) ? "reads-its-answer" : "copies-its-input",
    placeOf(reader, "from"),
    { layer: titleOf(reader), target },
    { notes: [{ message: "it is predicted here", span: loss }] },
  );
}
