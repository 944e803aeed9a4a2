/** @file The layer registry: data, no registration by side effect. Adding a layer is one file and one line here. */

import { elu } from "./activation/elu.js";
import { leakyRelu } from "./activation/leaky-relu.js";
import { plainActivations } from "./activation/plain.js";
import { prelu } from "./activation/prelu.js";
import { attention } from "./attention/attention.js";
import { positions } from "./attention/positions.js";
import { conv1d } from "./conv/conv1d.js";
import { conv2d } from "./conv/conv2d.js";
import { depthwiseConv2d } from "./conv/depthwise-conv2d.js";
import { separableConv2d } from "./conv/separable-conv2d.js";
import { shortcut } from "./conv/shortcut.js";
import { transposedConv2d } from "./conv/transposed-conv2d.js";
import { dense } from "./core/dense.js";
import { dropout } from "./core/dropout.js";
import { embedding } from "./core/embedding.js";
import { feedForward } from "./core/feed-forward.js";
import type { AnyLayerDef } from "./define-layer.js";
import { codes } from "./discrete/codes.js";
import { gumbelSoftmax } from "./discrete/gumbel-softmax.js";
import { oneHot } from "./discrete/one-hot.js";
import { add } from "./merge/add.js";
import { average } from "./merge/average.js";
import { concat } from "./merge/concat.js";
import { maximum } from "./merge/maximum.js";
import { multiply } from "./merge/multiply.js";
import { subtract } from "./merge/subtract.js";
import { batchNorm } from "./norm/batch-norm.js";
import { groupNorm } from "./norm/group-norm.js";
import { layerNorm } from "./norm/layer-norm.js";
import { localResponseNorm } from "./norm/local-response-norm.js";
import { avgPool1d } from "./pool/avg-pool1d.js";
import { avgPool2d } from "./pool/avg-pool2d.js";
import { globalAvgPool1d } from "./pool/global-avg-pool1d.js";
import { globalAvgPool2d } from "./pool/global-avg-pool2d.js";
import { globalMaxPool1d } from "./pool/global-max-pool1d.js";
import { globalMaxPool2d } from "./pool/global-max-pool2d.js";
import { maxPool1d } from "./pool/max-pool1d.js";
import { maxPool2d } from "./pool/max-pool2d.js";
import { gaussianNoise } from "./random/gaussian-noise.js";
import { interpolate } from "./random/interpolate.js";
import { maskingNoise } from "./random/masking-noise.js";
import { noise } from "./random/noise.js";
import { sampleNormal } from "./random/sample-normal.js";
import { cellLayers } from "./recurrent/cell-layers.js";
import { gru } from "./recurrent/gru.js";
import { lstm } from "./recurrent/lstm.js";
import { simpleRnn } from "./recurrent/simple-rnn.js";
import { logits } from "./sequence/logits.js";
import { previous } from "./sequence/previous.js";
import { crop1d } from "./shape/crop1d.js";
import { crop2d } from "./shape/crop2d.js";
import { flatten } from "./shape/flatten.js";
import { reshape } from "./shape/reshape.js";
import { selectChannels } from "./shape/select-channels.js";
import { upsample2d } from "./shape/upsample2d.js";
import { zeroPad2d } from "./shape/zero-pad2d.js";

const all: readonly AnyLayerDef[] = [
  dense,
  embedding,
  dropout,
  conv1d,
  conv2d,
  depthwiseConv2d,
  separableConv2d,
  transposedConv2d,
  shortcut,
  maxPool1d,
  maxPool2d,
  avgPool1d,
  avgPool2d,
  globalAvgPool1d,
  globalMaxPool1d,
  globalAvgPool2d,
  globalMaxPool2d,
  batchNorm,
  layerNorm,
  groupNorm,
  localResponseNorm,
  flatten,
  reshape,
  upsample2d,
  zeroPad2d,
  crop1d,
  crop2d,
  selectChannels,
  simpleRnn,
  lstm,
  gru,
  ...cellLayers,
  previous,
  logits,
  attention,
  positions,
  feedForward,
  add,
  subtract,
  multiply,
  average,
  maximum,
  concat,
  noise,
  sampleNormal,
  interpolate,
  gaussianNoise,
  maskingNoise,
  gumbelSoftmax,
  codes,
  oneHot,
  ...plainActivations,
  leakyRelu,
  elu,
  prelu,
];

export const layers: ReadonlyMap<string, AnyLayerDef> = new Map(all.map((l) => [l.type, l]));
