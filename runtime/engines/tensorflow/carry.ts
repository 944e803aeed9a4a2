/**
 * @file Tensors on their way between host and graph. The binding hands over f32, i32 and bool; u32 travel as
 * i32 with the same bits, and bytes four at a time in the words of an i32 tensor: images are not made larger, and
 * TensorFlow keeps i32 in host memory until a kernel of the device wants them.
 */
import { hostType } from "../../half.js";
import { type DType, type ElementType, type HostTensor, sizeOf } from "../../tensor.js";
import type { Binding } from "./binding.js";
import type { Handle } from "./graph.js";
import { typeCodes } from "./graph-def.js";
import type { Primitives } from "./primitives.js";

const wordsOf = (shape: readonly number[]): number => Math.ceil(sizeOf(shape) / 4);

const bits = (p: Primitives, x: Handle, type: "i32" | "u32"): Handle =>
  p.typed("Bitcast", [x], x.shape, { type: { type } }, type);

/** A tensor that is fed: its name in the graph, and its value there. */
export function arrive(
  p: Primitives,
  dtype: DType,
  shape: readonly number[],
): { readonly tensor: string; readonly value: Handle } {
  if (dtype === "u8") {
    const words = wordsOf(shape);
    const fed = p.graph.placeholder("i32", [words]);
    const bytes = p.typed("Bitcast", [fed], [words, 4], { type: { type: "u8" } }, "u8");
    const flat = p.slice(p.reshape(bytes, [words * 4]), [0], [sizeOf(shape)]);
    return { tensor: `${fed.ref}:0`, value: p.reshape(flat, shape) };
  }
  const fed = p.graph.placeholder(dtype === "u32" ? "i32" : dtype, shape);
  return { tensor: `${fed.ref}:0`, value: dtype === "u32" ? bits(p, fed, "u32") : fed };
}

/** What is fetched of a result. Halves leave as f32. */
export function depart(p: Primitives, result: Handle): Handle {
  const plain = p.cast(result, hostType(result.dtype as ElementType));
  if (plain.dtype === "u32") return bits(p, plain, "i32");
  return plain.dtype === "u8" ? p.cast(plain, "i32") : plain;
}

/** Four bytes to a word; a view where the memory allows it. */
function words(data: Uint8Array): Int32Array {
  const count = Math.ceil(data.length / 4);
  const fits = data.byteOffset % 4 === 0 && data.byteOffset + count * 4 <= data.buffer.byteLength;
  if (fits) return new Int32Array(data.buffer, data.byteOffset, count);
  const copy = new Uint8Array(count * 4);
  copy.set(data);
  return new Int32Array(copy.buffer);
}

/** The binding's tensor of a host tensor that is fed; the caller deletes it. */
export function feedTensor(binding: Binding, { dtype, shape, data }: HostTensor): number {
  if (dtype === "u8") {
    const packed = words(data as Uint8Array);
    return binding.createTensor([packed.length], typeCodes.i32, packed);
  }
  if (dtype === "u32") {
    const same = new Int32Array(data.buffer, data.byteOffset, data.length);
    return binding.createTensor([...shape], typeCodes.i32, same);
  }
  return binding.createTensor([...shape], typeCodes[dtype], data as Float32Array);
}

/** The host tensor of what was fetched. */
export function fetched(
  data: Float32Array | Int32Array | Uint8Array,
  dtype: DType,
  shape: readonly number[],
): HostTensor {
  if (dtype === "u32") {
    return { dtype, shape, data: new Uint32Array(data.buffer, data.byteOffset, data.length) };
  }
  return { dtype, shape, data: dtype === "u8" ? Uint8Array.from(data) : data };
}
