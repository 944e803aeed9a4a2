/** @file Elementwise ops. */
import { add } from "./add.js";
import { relu } from "./relu.js";

export const elementwiseOps = { add, relu };
