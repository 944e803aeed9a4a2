/** @file Probabilities and losses from scores. */
import { logSoftmax } from "./log-softmax.js";
import { sigmoidCrossEntropy } from "./sigmoid-cross-entropy.js";
import { softmax } from "./softmax.js";
import { softmaxCrossEntropy } from "./softmax-cross-entropy.js";

export const lossOps = { softmax, logSoftmax, softmaxCrossEntropy, sigmoidCrossEntropy };
