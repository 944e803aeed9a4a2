/** @file Ops that run a body many times. */
import { scan } from "./scan.js";

export const recurrenceOps = { scan };
