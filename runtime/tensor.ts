/** @file Tensors in host memory: what data sources produce, engines consume and checkpoints hold. */

/** Element types. `u32` serves random keys, `bool` masks; both are stored one element per slot. */
export type DType = "f32" | "i32" | "u32" | "u8" | "bool";

export type HostArray = Float32Array | Int32Array | Uint32Array | Uint8Array;

/** A dense row-major tensor in host memory. `data.length` equals the product of `shape`. */
export interface HostTensor {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly data: HostArray;
}

/** Bytes of one element in host memory. */
export const bytesPerElement: Readonly<Record<DType, number>> = {
  f32: 4,
  i32: 4,
  u32: 4,
  u8: 1,
  bool: 1,
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
