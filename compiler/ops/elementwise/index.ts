/** @file Elementwise ops. */
import { relu, sigmoid, softplus, tanh } from "./activations.js";
import { add, div, maximum, minimum, mul, pow, sub } from "./arithmetic.js";
import { cast } from "./cast.js";
import { equal, greater, greaterEqual, less, lessEqual } from "./comparisons.js";
import { logicalAnd, logicalNot, logicalOr } from "./logic.js";
import {
  abs,
  cos,
  erf,
  exp,
  floor,
  log,
  neg,
  reciprocal,
  rsqrt,
  sign,
  sin,
  sqrt,
  square,
} from "./math.js";
import { reluGrad } from "./relu-grad.js";
import { select } from "./select.js";
import { stopGradient } from "./stop-gradient.js";

export const elementwiseOps = {
  ...{ neg, exp, log, sqrt, rsqrt, square, reciprocal, abs, sign, floor, sin, cos, erf },
  ...{ relu, sigmoid, tanh, softplus, reluGrad },
  ...{ add, sub, mul, div, pow, maximum, minimum },
  ...{ equal, less, lessEqual, greater, greaterEqual },
  ...{ logicalNot, logicalAnd, logicalOr },
  ...{ select, cast, stopGradient },
};
