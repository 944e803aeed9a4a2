/** @file dlc's own layout: checkpoints, and files that `save()` wrote. */
import { type Layout, splitLast, type TensorRule } from "./layout.js";

export const own: Layout = {
  title: "dlc",
  channelsFirst: false,
  ignored: new Set(),
  places: (names) => new Map(names.map((name) => [name, splitLast(name, /\./g)])),
  // Moving averages, where there are any, are the weights that were evaluated.
  rules: (_type, tensor): TensorRule => ({ from: [`${tensor}:average|${tensor}`] }),
};
