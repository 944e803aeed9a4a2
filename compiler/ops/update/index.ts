/** @file Optimiser updates. */
import { applyAdagrad } from "./apply-adagrad.js";
import { applyAdam } from "./apply-adam.js";
import { applyLion } from "./apply-lion.js";
import { applyMomentum } from "./apply-momentum.js";
import { applyRmsprop } from "./apply-rmsprop.js";
import { applySgd } from "./apply-sgd.js";

export const updateOps = {
  applySgd,
  applyMomentum,
  applyAdam,
  applyRmsprop,
  applyAdagrad,
  applyLion,
};
