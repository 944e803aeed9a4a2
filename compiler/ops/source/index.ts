/** @file Ops without inputs. */
import { constant } from "./constant.js";
import { size } from "./size.js";

export const sourceOps = { constant, size };
