/** @file From the heads' tensors to predictions in the user's terms. */
import type { HeadSpec } from "../spec.js";
import { type HostTensor, sizeOf } from "../tensor.js";

type Fields = Readonly<Record<string, unknown>>;
type Decoder = (head: HeadSpec, values: Float32Array) => Fields;

/** Names for classes: those of the head, else their numbers. */
export function labelsOf(head: HeadSpec): readonly string[] {
  const count = head.kind === "binary" ? 2 : (head.shape.at(-1) ?? 1);
  return head.classes ?? Array.from({ length: count }, (_, i) => String(i));
}

/** `probabilities` as an object that even a class called `__proto__` cannot upset. */
function byLabel(labels: readonly string[], values: ArrayLike<number>): Record<string, number> {
  return Object.fromEntries(labels.map((label, i) => [label, values[i] as number]));
}

const decoders: Readonly<Record<HeadSpec["kind"], Decoder>> = {
  category(head, values) {
    const labels = labelsOf(head);
    let best = 0;
    for (let i = 1; i < labels.length; i++) {
      if ((values[i] as number) > (values[best] as number)) best = i;
    }
    return { label: labels[best], probabilities: byLabel(labels, values) };
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
};

/**
 * One prediction per example. A model with one head gives that head's fields, with several an object
 * of them by head name.
 */
export function decodeOutputs(
  heads: readonly HeadSpec[],
  outputs: Readonly<Record<string, HostTensor>>,
  examples: number,
): Fields[] {
  return Array.from({ length: examples }, (_, row) => {
    const fields = heads.map(
      (head) => [head.name, decodeHead(head, outputs[head.name], row)] as const,
    );
    const [only] = fields;
    return heads.length === 1 && only !== undefined ? only[1] : Object.fromEntries(fields);
  });
}

function decodeHead(head: HeadSpec, output: HostTensor | undefined, row: number): Fields {
  if (output === undefined) throw new Error(`the program has no output ${head.name}`);
  const size = sizeOf(head.shape);
  const values = output.data.slice(row * size, (row + 1) * size) as Float32Array;
  return decoders[head.kind](head, values);
}
