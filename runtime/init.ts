/**
 * @file First values of state tensors. Each tensor draws from its own key, made from the seed and
 * its *name*, so that adding a layer does not change the weights of another one.
 *
 * Sources: Glorot & Bengio 2010; He et al. 2015; LeCun et al. 1998; Saxe et al. 2014 (orthogonal).
 * The `*_normal` kinds are truncated at two standard deviations and widened so that the deviation
 * after truncation is the stated one, as in Keras; plain `normal` is not truncated.
 */
import type { InitSpec, StateSpec } from "./program.js";
import { derive, keyOf, normal, uniform } from "./random.js";
import { allocate, type HostArray, type HostTensor, sizeOf } from "./tensor.js";

/** Separates initial values from every other use of the seed. */
const purpose = keyOf("initial values");

/** Standard deviation of a standard normal that is cut off at ±2. */
const truncatedDeviation = 0.8796256610342398;

type Fill = (out: HostArray, spec: StateSpec, key: number) => void;

/** Numerator of the variance, and the fan it is divided by. */
const scaling = {
  glorot: { scale: 1, fan: (init: InitSpec) => (fanOf(init, "fanIn") + fanOf(init, "fanOut")) / 2 },
  he: { scale: 2, fan: (init: InitSpec) => fanOf(init, "fanIn") },
  lecun: { scale: 1, fan: (init: InitSpec) => fanOf(init, "fanIn") },
} as const;

const fills: Readonly<Record<Exclude<InitSpec["kind"], "copy">, Fill>> = {
  zeros: () => {},
  ones: (out) => void out.fill(1),
  constant: (out, spec) => void out.fill(amountOf(spec.init)),
  uniform: (out, spec, key) => fillUniform(out, amountOf(spec.init), key),
  normal: (out, spec, key) => {
    const deviation = amountOf(spec.init);
    for (let i = 0; i < out.length; i++) out[i] = deviation * normal(i, key);
  },
  glorot_uniform: scaledUniform("glorot"),
  glorot_normal: scaledNormal("glorot"),
  he_uniform: scaledUniform("he"),
  he_normal: scaledNormal("he"),
  lecun_uniform: scaledUniform("lecun"),
  lecun_normal: scaledNormal("lecun"),
  orthogonal: (out, spec, key) => fillOrthogonal(out, spec, key),
  unit_forget: (out) => void out.fill(1, out.length / 4, out.length / 2),
};

/**
 * The first values of all state tensors for a seed.
 * Deterministic: depends on the seed and on each tensor's name, shape and init only.
 */
export function initialState(
  specs: Readonly<Record<string, StateSpec>>,
  seed: number,
): Record<string, HostTensor> {
  const values: Record<string, HostTensor> = {};
  const create = (name: string, chain: readonly string[]): HostTensor => {
    const existing = values[name];
    if (existing !== undefined) return existing;
    const spec = specs[name];
    if (spec === undefined || chain.includes(name)) {
      throw new Error(`initial value of ${chain.join(" → ")} copies ${name}, which has none`);
    }
    const value = initialValue(name, spec, seed, (of) => create(of, [...chain, name]));
    values[name] = value;
    return value;
  };
  for (const name of Object.keys(specs)) create(name, []);
  return values;
}

function initialValue(
  name: string,
  spec: StateSpec,
  seed: number,
  other: (name: string) => HostTensor,
): HostTensor {
  const data = allocate(spec.dtype, sizeOf(spec.shape));
  if (spec.init.kind === "copy") {
    const source = other(spec.init.of ?? "");
    if (source.data.length !== data.length) {
      throw new Error(`${name} copies ${spec.init.of}, which has another size`);
    }
    data.set(source.data);
  } else {
    fills[spec.init.kind](data, spec, derive(derive(seed, purpose), keyOf(name)));
  }
  return { dtype: spec.dtype, shape: spec.shape, data };
}

function amountOf(init: InitSpec): number {
  if (init.value === undefined) throw new Error(`init ${init.kind} without a value`);
  return init.value;
}

function fanOf(init: InitSpec, fan: "fanIn" | "fanOut"): number {
  const value = init[fan];
  if (value === undefined) throw new Error(`init ${init.kind} without ${fan}`);
  return Math.max(1, value);
}

function varianceOf(init: InitSpec, family: keyof typeof scaling): number {
  return scaling[family].scale / scaling[family].fan(init);
}

function scaledUniform(family: keyof typeof scaling): Fill {
  // A uniform distribution over ±a has variance a²/3.
  return (out, spec, key) => fillUniform(out, Math.sqrt(3 * varianceOf(spec.init, family)), key);
}

function scaledNormal(family: keyof typeof scaling): Fill {
  return (out, spec, key) => {
    const deviation = Math.sqrt(varianceOf(spec.init, family)) / truncatedDeviation;
    for (let i = 0; i < out.length; i++) out[i] = deviation * truncatedNormal(i, key);
  };
}

function fillUniform(out: HostArray, halfWidth: number, key: number): void {
  for (let i = 0; i < out.length; i++) out[i] = halfWidth * (2 * uniform(i, key) - 1);
}

/** Standard normal, drawn again (from the next key) while it lies beyond ±2. */
function truncatedNormal(index: number, key: number): number {
  for (let attempt = 0; ; attempt++) {
    const value = normal(index, attempt === 0 ? key : derive(key, attempt));
    if (Math.abs(value) <= 2) return value;
  }
}

/**
 * Rows (or columns, if there are fewer of them) that are orthonormal, times the gain. Further axes
 * count as columns. Gram-Schmidt on a normal matrix, done twice per vector for accuracy
 * ("twice is enough", Giraud et al. 2005), gives the Haar distribution since the diagonal of R is positive.
 */
function fillOrthogonal(out: HostArray, spec: StateSpec, key: number): void {
  const rows = spec.shape[0] ?? 1;
  const columns = sizeOf(spec.shape.slice(1));
  const gain = spec.init.value ?? 1;
  const count = Math.min(rows, columns);
  const length = Math.max(rows, columns);
  const basis: Float64Array[] = [];
  for (let v = 0; v < count; v++) {
    const vector = Float64Array.from({ length }, (_, i) => normal(v * length + i, key));
    for (let pass = 0; pass < 2; pass++) for (const other of basis) removePart(vector, other);
    const norm = Math.sqrt(dot(vector, vector));
    basis.push(vector.map((x) => x / norm));
  }
  basis.forEach((vector, v) => {
    vector.forEach((x, i) => {
      out[rows <= columns ? v * columns + i : i * columns + v] = gain * x;
    });
  });
}

function removePart(vector: Float64Array, direction: Float64Array): void {
  const part = dot(vector, direction);
  for (let i = 0; i < vector.length; i++) {
    vector[i] = (vector[i] as number) - part * (direction[i] as number);
  }
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] as number) * (b[i] as number);
  return sum;
}
