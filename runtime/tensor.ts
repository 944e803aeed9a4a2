/** @file Tensors in host memory: what data sources produce, engines consume and checkpoints hold. */

/** Element types. `u32` serves random keys, `bool` masks; both are stored one element per slot. */
export type DType = "f32" | "i32" | "u32" | "u8" | "bool";

/**
 * Floats of half the width of f32 (half.ts). They only exist inside of programs, where `cast` makes them:
 * what comes from the host, goes to it or outlives a call is f32.
 */
export type HalfType = "f16" | "bf16";
/** Element types inside of programs. */
export type ElementType = DType | HalfType;

export type HostArray = Float32Array | Int32Array | Uint32Array | Uint8Array;

/** A dense row-major tensor in host memory. `data.length` equals the product of `shape`. */
export interface HostTensor {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly data: HostArray;
}

/** Bytes of one element in memory. */
export const bytesPerElement: Readonly<Record<ElementType, number>> = {
  f32: 4,
  i32: 4,
  u32: 4,
  u8: 1,
  bool: 1,
  f16: 2,
  bf16: 2,
};

/** Number of elements of a shape; the empty shape (a scalar) has one. */
export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, dim) => product * dim, 1);
}

/** A zero-filled array of the host type that stores `dtype`. */
export function allocate(dtype: DType, length: number): HostArray {
  switch (dtype) {
    case "f32":
      return new Float32Array(length);
    case "i32":
      return new Int32Array(length);
    case "u32":
      return new Uint32Array(length);
    case "u8":
    case "bool":
      return new Uint8Array(length);
  }
}

export function zeros(dtype: DType, shape: readonly number[]): HostTensor {
  return { dtype, shape, data: allocate(dtype, sizeOf(shape)) };
}

export function scalar(dtype: DType, value: number): HostTensor {
  const data = allocate(dtype, 1);
  data[0] = value;
  return { dtype, shape: [], data };
}
