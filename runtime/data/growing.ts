/** @file Arrays that grow while a file is read. */
import { type NumberData, sharedArray } from "./table.js";

const arrayTypes = { u8: Uint8Array, i32: Int32Array, f32: Float32Array } as const;

/** Numbers; in shared memory when taken. Starts as u8 where allowed and becomes i32 or f32 when a value asks for it. */
export class GrowingNumbers {
  #data: NumberData;
  #length = 0;

  constructor(start: "u8" | "i32" | "f32" = "f32", capacity = 1024) {
    this.#data = new arrayTypes[start](capacity);
  }

  get length(): number {
    return this.#length;
  }

  at(index: number): number {
    return this.#data[index] ?? 0;
  }

  push(value: number): void {
    const data = this.#data;
    if (this.#length === data.length) {
      this.#move(typeOf(data), Math.max(1024, Math.ceil(data.length * 1.5)));
    }
    this.#data[this.#length] = value;
    if (this.#data[this.#length] !== value && !(this.#data instanceof Float32Array)) {
      this.#move(this.#data instanceof Uint8Array && (value | 0) === value ? "i32" : "f32");
      this.#data[this.#length] = value;
    }
    this.#length++;
  }

  /** The numbers, in a shared array of just their length. */
  take(): NumberData {
    const shared = sharedArray(typeOf(this.#data), this.#length);
    shared.set(this.#data.subarray(0, this.#length));
    return shared;
  }

  #move(dtype: "u8" | "i32" | "f32", capacity = this.#data.length): void {
    const next = new arrayTypes[dtype](capacity);
    next.set(this.#data.subarray(0, this.#length));
    this.#data = next;
  }
}

function typeOf(data: NumberData): "u8" | "i32" | "f32" {
  if (data instanceof Uint8Array) return "u8";
  return data instanceof Int32Array ? "i32" : "f32";
}
