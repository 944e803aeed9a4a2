/** @file Ops that move elements without computing on them. */
import { broadcastTo } from "./broadcast-to.js";
import { concat } from "./concat.js";
import { gather } from "./gather.js";
import { oneHot } from "./one-hot.js";
import { pad } from "./pad.js";
import { reshape } from "./reshape.js";
import { reverse } from "./reverse.js";
import { scatterAdd } from "./scatter-add.js";
import { slice } from "./slice.js";
import { transpose } from "./transpose.js";

export const shapeOps = {
  ...{ reshape, transpose, broadcastTo, slice, pad, reverse, concat },
  ...{ gather, scatterAdd, oneHot },
};
