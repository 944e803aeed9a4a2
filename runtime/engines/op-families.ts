/** @file The ops by family: engines implement a family per file. */

export type ElementwiseOp =
  | "neg"
  | "exp"
  | "log"
  | "sqrt"
  | "rsqrt"
  | "square"
  | "reciprocal"
  | "abs"
  | "sign"
  | "floor"
  | "sin"
  | "cos"
  | "erf"
  | "relu"
  | "sigmoid"
  | "tanh"
  | "softplus"
  | "logicalNot"
  | "reluGrad"
  | "cast"
  | "stopGradient"
  | "add"
  | "sub"
  | "mul"
  | "div"
  | "pow"
  | "maximum"
  | "minimum"
  | "equal"
  | "less"
  | "lessEqual"
  | "greater"
  | "greaterEqual"
  | "logicalAnd"
  | "logicalOr"
  | "select";

/** Constants, shapes and movement of elements. */
export type MovementOp =
  | "constant"
  | "size"
  | "reshape"
  | "transpose"
  | "broadcastTo"
  | "slice"
  | "pad"
  | "reverse"
  | "concat"
  | "gather"
  | "scatterAdd"
  | "oneHot";

export type ReductionOp = "sum" | "mean" | "max" | "min" | "argMax";

export type ConvOp = "conv2d" | "conv2dInputGrad" | "conv2dFilterGrad";

export type PoolOp =
  | "maxPool2d"
  | "maxPool2dGrad"
  | "avgPool2d"
  | "avgPool2dGrad"
  | "resizeNearest";

export type NormOp = "batchNorm" | "batchNormTrain" | "batchNormTrainGrad";

/** Probabilities and losses from logits. */
export type LossOp = "softmax" | "logSoftmax" | "softmaxCrossEntropy" | "sigmoidCrossEntropy";

export type UpdateOp =
  | "applySgd"
  | "applyMomentum"
  | "applyAdam"
  | "applyRmsprop"
  | "applyAdagrad"
  | "applyLion";
