/**
 * @file Computes one matrix product with the package in the folder of the first argument and prints what did
 * it as JSON. A process of its own, run by smoke-run.ts: a native library that does not fit may end it.
 */
import { createRequire } from "node:module";
import { join, resolve } from "node:path";

interface Tensor {
  matMul(other: Tensor): Tensor;
  dataSync(): Float32Array;
}
interface Tensorflow {
  tensor2d(values: readonly number[], shape: readonly [number, number]): Tensor;
  backend(): {
    readonly binding: { readonly TF_Version: string };
    readonly isUsingGpuDevice: boolean;
  };
}

const folder = resolve(process.argv[2] ?? ".");
const require = createRequire(join(folder, "package.json"));
// Helpers that Node.js 23 and later do not have, and the package calls.
const util = require("node:util") as Record<string, unknown>;
util.isNullOrUndefined ??= (value: unknown): boolean => value === null || value === undefined;
util.isArray ??= Array.isArray;

const tensorflow = require(folder) as Tensorflow;
const matrix = tensorflow.tensor2d([1, 2, 3, 4], [2, 2]);
const product = Array.from(matrix.matMul(matrix).dataSync());
const { binding, isUsingGpuDevice } = tensorflow.backend();
process.stdout.write(
  `${JSON.stringify({ product, version: binding.TF_Version, gpu: isUsingGpuDevice })}\n`,
);
