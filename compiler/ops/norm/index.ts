/** @file Normalisation. */
import { batchNorm } from "./batch-norm.js";
import { batchNormTrain } from "./batch-norm-train.js";
import { batchNormTrainGrad } from "./batch-norm-train-grad.js";

export const normOps = { batchNorm, batchNormTrain, batchNormTrainGrad };
