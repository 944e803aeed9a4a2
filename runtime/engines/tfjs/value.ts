/**
 * @file What programs compute with on TensorFlow.js: a tensor that may be held in two layouts.
 *
 * Programs see images as [n, channels, height, width]; TensorFlow.js computes them as [n, height, width,
 * channels]. A value keeps whichever form it was computed in and makes the other when it is asked for, so
 * that a run of convolutions, pools, norms and elementwise ops moves no data between layouts.
 *
 * Types: f32 is float32, bool is bool, and i32, u32 and u8 are int32, where a u32 keeps its 32 bits. Backends
 * that store whole numbers as float32 (webgl) hold them exactly up to 2^24. Random keys need all bits, but
 * are read on the host: see `hostNumber`.
 */
import type { Tensor } from "@tensorflow/tfjs-core";
import { isHalf } from "../../half.js";
import { allocate, type DType, type ElementType, type HostTensor, sizeOf } from "../../tensor.js";

export type Tf = typeof import("@tensorflow/tfjs-core");
export type { Tensor };

type Shape = readonly number[];

export const tfTypes: Readonly<Record<DType, "float32" | "int32" | "bool">> = {
  f32: "float32",
  i32: "int32",
  u32: "int32",
  u8: "int32",
  bool: "bool",
};

/** Programs with halves do not get here: `Engine.half` says so. */
export function wholeType(dtype: ElementType): DType {
  if (isHalf(dtype)) throw new Error(`TensorFlow.js has no ${dtype}`);
  return dtype;
}

/** Axis i of the images of TensorFlow.js is this axis of ours. */
export const toLast = [0, 2, 3, 1];
/** Axis i of our images is this axis of those of TensorFlow.js. */
export const fromLast = [0, 3, 1, 2];

const permuted = (shape: Shape, perm: readonly number[]): number[] =>
  perm.map((axis) => shape[axis] as number);

/** Swapping the layouts moves nothing where there is one channel, or one pixel. */
const movesNothing = ([, c, h, w]: Shape): boolean => c === 1 || (h === 1 && w === 1);

/** A copy of the host's numbers as a tensor of the backend in use. */
export function upload(tf: Tf, { dtype, shape, data }: HostTensor): Tensor {
  const type = tfTypes[dtype];
  // Int32Array.from would map bits beyond 2^31 as well, but TypedArray to TypedArray is the fast way.
  const values =
    type === "float32"
      ? Float32Array.from(data)
      : type === "bool"
        ? Uint8Array.from(data)
        : Int32Array.from(data);
  return tf.tensor(values, [...shape], type);
}

/** Numbers that were read back from a tensor, as the host type of `dtype`. */
export function toHost(dtype: DType, shape: Shape, values: ArrayLike<number>): HostTensor {
  const data = allocate(dtype, values.length);
  data.set(values);
  return { dtype, shape, data };
}

interface Forms {
  /** Not on the device yet. */
  readonly host?: HostTensor;
  /** In the order of its shape. */
  readonly plain?: Tensor;
  /** Images only: with channels last. */
  readonly last?: Tensor;
}

export class Value {
  readonly dtype: DType;
  readonly #tf: Tf;
  readonly #host: HostTensor | undefined;
  #plain: Tensor | undefined;
  #last: Tensor | undefined;
  /** Its tensors live until `dispose`, not only to the end of an op. */
  #adopted = false;

  constructor(tf: Tf, dtype: DType, { host, plain, last }: Forms) {
    this.#tf = tf;
    this.dtype = dtype;
    this.#host = host;
    this.#plain = plain;
    this.#last = last;
  }

  /** What the host brings along; it goes to the device when an op needs it there. */
  static fed(tf: Tf, host: HostTensor): Value {
    const value = new Value(tf, host.dtype, { host });
    value.#adopted = true;
    return value;
  }

  get shape(): Shape {
    if (this.#host !== undefined) return this.#host.shape;
    if (this.#plain !== undefined) return this.#plain.shape;
    return permuted(this.#tensor().shape, fromLast);
  }

  get size(): number {
    return sizeOf(this.shape);
  }

  /** It is there with its channels last. */
  get isLast(): boolean {
    return this.#last !== undefined;
  }

  /** It is there in the order of its shape, or would be without moving data. */
  get isPlain(): boolean {
    return this.#last === undefined || this.#plain !== undefined || movesNothing(this.shape);
  }

  /** The number of a scalar that the host has given; null for one that was computed. */
  get hostNumber(): number | null {
    return this.#host?.data.length === 1 ? (this.#host.data[0] as number) : null;
  }

  plain(): Tensor {
    if (this.#plain === undefined) {
      this.#plain =
        this.#host === undefined
          ? this.#reordered(this.#tensor(), fromLast)
          : upload(this.#tf, this.#host);
      if (this.#adopted) this.#tf.keep(this.#plain);
    }
    return this.#plain;
  }

  last(): Tensor {
    if (this.#last === undefined) {
      this.#last = this.#reordered(this.plain(), toLast);
      if (this.#adopted) this.#tf.keep(this.#last);
    }
    return this.#last;
  }

  #reordered(tensor: Tensor, perm: readonly number[]): Tensor {
    return movesNothing(this.shape)
      ? this.#tf.reshape(tensor, permuted(tensor.shape, perm))
      : this.#tf.transpose(tensor, [...perm]);
  }

  /** In whichever form it is there. */
  #tensor(): Tensor {
    const tensor = this.#last ?? this.#plain;
    if (tensor === undefined) throw new Error("a value without a tensor");
    return tensor;
  }

  /**
   * The same numbers as a value of its own, whose tensors live until it is disposed of. Tensors that
   * belong to another value already share their memory with it and count on their own.
   */
  adopt(): Value {
    const own = (tensor: Tensor | undefined): Tensor | undefined =>
      tensor === undefined ? undefined : this.#tf.keep(this.#tf.clone(tensor));
    const [plain, last] = [own(this.#plain), own(this.#last)];
    const copy = new Value(this.#tf, this.dtype, {
      ...(this.#host === undefined ? {} : { host: this.#host }),
      ...(plain === undefined ? {} : { plain }),
      ...(last === undefined ? {} : { last }),
    });
    copy.#adopted = true;
    return copy;
  }

  /** The numbers; the tensors may be disposed of when this has returned its promise. */
  async read(): Promise<HostTensor> {
    const { dtype, shape } = this;
    if (this.#host !== undefined) return toHost(dtype, shape, this.#host.data);
    return toHost(dtype, shape, await this.plain().data());
  }

  dispose(): void {
    this.#plain?.dispose();
    this.#last?.dispose();
    this.#plain = undefined;
    this.#last = undefined;
  }
}
