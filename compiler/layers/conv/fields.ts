/** @file Fields that the convolutions share, for spreading. */
import { activationField } from "../activation/activations.js";
import { padding, pair, positiveInteger } from "../fields.js";
import { kernelFields } from "../shared.js";

export const filtersField = positiveInteger("Number of output channels.");

const windowFields = {
  kernel: pair("Size of the window: one number or [height, width].", 1, [3, 3]),
  stride: pair("Step of the window.", 1, [1, 1]),
  padding: padding(
    "same: zeros around the image so that only the stride makes it smaller (an odd one at the bottom and right, as in TensorFlow); valid: none; or a number of zeros on every side, or [height, width].",
  ),
  dilation: pair("Distance between the kernel's taps; 1: no gaps.", 1, [1, 1]),
};

export const convFields = {
  ...windowFields,
  activation: activationField("Applied to the result."),
  ...kernelFields,
};
