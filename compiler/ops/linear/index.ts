/** @file Linear algebra. */
import { matmul } from "./matmul.js";

export const linearOps = { matmul };
