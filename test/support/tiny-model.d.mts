/** @file Types of tiny-model.mjs. */
import type { BatchSource, ModelDefinition, TrainSpec } from "@dlc/runtime";

export interface TinyOptions {
  readonly accumulate?: number;
  readonly ema?: boolean;
  readonly settings?: Partial<TrainSpec>;
}
export interface Points {
  readonly x: Float32Array;
  readonly y: Int32Array;
}
export function tinyModel(options?: TinyOptions): ModelDefinition & { readonly train: TrainSpec };
export function tinyPoints(size: number, seed: number): Points;
export function tinySource(
  points: Points,
  permute: (size: number, key: number) => Uint32Array,
): BatchSource;
