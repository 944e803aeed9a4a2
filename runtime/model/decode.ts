/** @file From the heads' tensors to predictions in the user's terms. */
import { type Tokenizer, tokenizerOf } from "../data/tokens/index.js";
import { type HeadSpec, type ModelDefinition, specialTokens } from "../spec.js";
import { type HostTensor, sizeOf } from "../tensor.js";

type Fields = Readonly<Record<string, unknown>>;
/** `given`: of a text that the model scores, how many tokens it has; null: unknown. */
type Decoder = (head: HeadSpec, values: Float32Array, texts: Texts, given: number | null) => Fields;

/** The part of a definition that says what tokens are called. */
export type Texts = Pick<ModelDefinition, "data" | "facts">;
const noTexts: Texts = { data: null, facts: {} };

/** Names for classes: those of the head, else their numbers. */
export function labelsOf(head: HeadSpec): readonly string[] {
  const count = head.kind === "binary" ? 2 : (head.shape.at(-1) ?? 1);
  return head.classes ?? Array.from({ length: count }, (_, i) => String(i));
}

/** `probabilities` as an object that even a class called `__proto__` cannot upset. */
function byLabel(labels: readonly string[], values: ArrayLike<number>): Record<string, number> {
  return Object.fromEntries(labels.map((label, i) => [label, values[i] as number]));
}

/** The first of the largest. */
function indexOfLargest(values: Float32Array): number {
  let best = 0;
  for (let i = 1; i < values.length; i++) {
    if ((values[i] as number) > (values[best] as number)) best = i;
  }
  return best;
}

function tokenizerFor({ name, target }: HeadSpec, { data, facts }: Texts): Tokenizer {
  const of = target ?? name;
  const features = { ...data?.features, ...data?.targets };
  const feature = Object.hasOwn(features, of) ? features[of] : undefined;
  if (feature?.type !== "text") throw new Error(`head ${name} is compared with no text`);
  return tokenizerOf(of, feature, facts);
}

const decoders: Readonly<Record<HeadSpec["kind"], Decoder>> = {
  category(head, values) {
    const labels = labelsOf(head);
    return { label: labels[indexOfLargest(values)], probabilities: byLabel(labels, values) };
  },
  binary(head, values) {
    const labels = labelsOf(head);
    const probability = values[0] as number;
    return {
      label: labels[probability >= 0.5 ? 1 : 0],
      probability,
      probabilities: byLabel(labels, [1 - probability, probability]),
    };
  },
  value(head, values) {
    if (values.length === 1) return { value: values[0] };
    return { value: { shape: head.shape, data: values } };
  },
  tokens(head, values, texts, given) {
    const { decode, show, vocabulary } = tokenizerFor(head, texts);
    const ids: number[] = [];
    const probabilities: number[] = [];
    const length = given === null ? values.length : given * vocabulary.length;
    for (let at = 0; at < length; at += vocabulary.length) {
      const step = values.subarray(at, at + vocabulary.length);
      const best = indexOfLargest(step);
      const ends = best === specialTokens.end || best === specialTokens.pad;
      if (ends && given === null) break;
      ids.push(best);
      probabilities.push(step[best] as number);
    }
    return { text: decode(ids), tokens: ids.map(show), probabilities };
  },
};

/**
 * One prediction per example. A model with one head gives that head's fields, with several an object
 * of them by head name. `texts`: needed for heads of kind "tokens"; `inputs`, what the program read:
 * where the text of such a head is among them, it has a step for each of its tokens.
 */
export function decodeOutputs(
  heads: readonly HeadSpec[],
  outputs: Readonly<Record<string, HostTensor>>,
  examples: number,
  texts: Texts = noTexts,
  inputs: Readonly<Record<string, HostTensor>> = {},
): Fields[] {
  return Array.from({ length: examples }, (_, row) => {
    const fields = heads.map(
      (head) =>
        [head.name, decodeHead(head, outputs, row, texts, stepsOf(head, inputs, row))] as const,
    );
    const [only] = fields;
    return heads.length === 1 && only !== undefined ? only[1] : Object.fromEntries(fields);
  });
}

/** Tokens of the text that a head scores, where the program read it; else null. */
function stepsOf(
  { kind, target }: HeadSpec,
  inputs: Readonly<Record<string, HostTensor>>,
  row: number,
): number | null {
  const ids = kind === "tokens" && target !== null ? inputs[target] : undefined;
  if (ids === undefined) return null;
  const [, length = 0] = ids.shape;
  const own = ids.data.subarray(row * length, (row + 1) * length);
  const padding = own.indexOf(specialTokens.pad);
  return padding < 0 ? length : padding;
}

function decodeHead(
  head: HeadSpec,
  outputs: Readonly<Record<string, HostTensor>>,
  row: number,
  texts: Texts,
  given: number | null,
): Fields {
  const output = outputs[head.name];
  if (output === undefined) throw new Error(`the program has no output ${head.name}`);
  const size = sizeOf(head.shape);
  const values = output.data.slice(row * size, (row + 1) * size) as Float32Array;
  return decoders[head.kind](head, values, texts, given);
}
