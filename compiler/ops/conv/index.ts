/** @file Convolution, pooling and resizing of images. */
import { avgPool2d } from "./avg-pool.js";
import { avgPool2dGrad } from "./avg-pool-grad.js";
import { conv2d } from "./conv2d.js";
import { conv2dFilterGrad } from "./conv2d-filter-grad.js";
import { conv2dInputGrad } from "./conv2d-input-grad.js";
import { maxPool2d } from "./max-pool.js";
import { maxPool2dGrad } from "./max-pool-grad.js";
import { resizeNearest } from "./resize-nearest.js";

export const convOps = {
  ...{ conv2d, conv2dInputGrad, conv2dFilterGrad },
  ...{ maxPool2d, maxPool2dGrad, avgPool2d, avgPool2dGrad, resizeNearest },
};
