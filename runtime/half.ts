/**
 * @file The two floating-point types of half the width of f32: how numbers round to them, and their bits.
 * f16 is binary16 of IEEE 754-2008; bf16 is the upper half of an f32 (Kalamkar et al. 2019, A Study of
 * BFLOAT16 for Deep Learning Training). Both round to the nearest number, of two equally near ones to that
 * with an even last bit, and have subnormal numbers.
 */
import type { DType, ElementType, HalfType } from "./tensor.js";

interface Format {
  /** Bits behind the leading one. */
  readonly fraction: number;
  /** Exponent of the smallest normal number. */
  readonly lowest: number;
  /** The largest finite number. */
  readonly largest: number;
}

export const halfFormats: Readonly<Record<HalfType, Format>> = {
  f16: { fraction: 10, lowest: -14, largest: 65_504 },
  bf16: { fraction: 7, lowest: -126, largest: (2 - 2 ** -7) * 2 ** 127 },
};

export const isHalf = (dtype: ElementType): dtype is HalfType =>
  dtype === "f16" || dtype === "bf16";

/** Policies of training (Keras's names), with what convolutions and matrix products are computed in. */
export const mixedPrecisions = {
  mixed_float16: "f16",
  mixed_bfloat16: "bf16",
} as const satisfies Readonly<Record<string, HalfType>>;
export type MixedPrecision = keyof typeof mixedPrecisions;

/** What holds tensors of a type on the host: halves are f32 there. */
export const hostType = (dtype: ElementType): DType => (isHalf(dtype) ? "f32" : dtype);

const float = new Float64Array(1);
const words = new Uint32Array(float.buffer);
const single = new Float32Array(1);
const singleBits = new Uint32Array(single.buffer);

/** ⌊log2⌋ of a normal positive f64. */
function exponentOf(value: number): number {
  float[0] = value;
  return ((words[1] as number) >>> 20) - 1023;
}

/** Adding it to a number below it cuts off all binary places, to the nearest even. */
const noPlaces = 2 ** 52;

/** The nearest number of the type; beyond the largest by half a step or more it is infinite. */
export function roundToHalf(type: HalfType, value: number): number {
  const { fraction, lowest, largest } = halfFormats[type];
  const size = Math.abs(value);
  // Zero (of either sign), infinity and NaN stay what they are.
  if (size === 0 || !(size < Number.POSITIVE_INFINITY)) return value;
  const step = 2 ** (Math.max(exponentOf(size), lowest) - fraction);
  const rounded = (size / step + noPlaces - noPlaces) * step;
  return Math.sign(value) * (rounded > largest ? Number.POSITIVE_INFINITY : rounded);
}

/** The number that 16 bits stand for. */
export function fromHalfBits(type: HalfType, bits: number): number {
  if (type === "bf16") {
    singleBits[0] = bits << 16;
    return single[0] as number;
  }
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0x1f) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  // Subnormal numbers have no leading one.
  return exponent === 0
    ? sign * fraction * 2 ** -24
    : sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** The 16 bits of the nearest number of the type. */
export function toHalfBits(type: HalfType, value: number): number {
  const rounded = roundToHalf(type, value);
  if (type === "bf16") {
    single[0] = rounded;
    // The payload of a NaN may lie in the lower half alone.
    return Number.isNaN(rounded) ? 0x7fc0 : (singleBits[0] as number) >>> 16;
  }
  if (Number.isNaN(rounded)) return 0x7e00;
  const sign = rounded < 0 || Object.is(rounded, -0) ? 0x8000 : 0;
  const size = Math.abs(rounded);
  if (size === Number.POSITIVE_INFINITY) return sign | 0x7c00;
  if (size < 2 ** -14) return sign | (size * 2 ** 24);
  const exponent = exponentOf(size);
  return sign | ((exponent + 15) << 10) | ((size / 2 ** exponent - 1) * 1024);
}
