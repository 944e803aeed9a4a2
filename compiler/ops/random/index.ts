/** @file Randomness. */
import { randomUniform } from "./random-uniform.js";

export const randomOps = { randomUniform };
