/** @file Reductions. */
import { argMax } from "./arg-max.js";
import { max, min } from "./extremes.js";
import { mean } from "./mean.js";
import { sum } from "./sum.js";

export const reduceOps = { sum, mean, max, min, argMax };
