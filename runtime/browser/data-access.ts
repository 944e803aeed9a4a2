/** @file Data in a page: what the program passes in memory, and nothing else. */
import type { DataAccess } from "../data/access.js";
import type { Pictures } from "../data/pictures.js";
import { arrays } from "../data/sources/arrays.js";
import type { SourceSpec } from "../spec.js";
import { notInBrowser } from "./not-in-browser.js";

const pixelsHelp =
  "Draw the image on a canvas of the feature's size and pass context.getImageData(0, 0, width, height), or shaped([height, width, channels], pixels).";

const pagePictures: Pictures = {
  async read(path, name, place) {
    throw notInBrowser(place, `'${name}' is the path of a file (${path})`, pixelsHelp);
  },
  async decode(_bytes, _shape, _resize, place) {
    throw notInBrowser(place, "an image file would have to be decoded", pixelsHelp);
  },
  async resize(_pixels, from, to) {
    throw notInBrowser(
      "data",
      `an image of [${from.join(", ")}] would have to be resized to [${to.join(", ")}]`,
      pixelsHelp,
    );
  },
};

const nameOf = (source: SourceSpec): string =>
  source.kind === "arrays" ? arrays.name(source) : `the source of kind ${source.kind}`;

export const pageAccess: DataAccess = {
  pictures: pagePictures,
  sourceName: nameOf,
  readSource(source, context) {
    if (source.kind === "arrays") return arrays.read(source, context);
    throw notInBrowser(
      "data.source",
      `the spec reads its data from files (${source.kind})`,
      "Pass the examples in memory: train({ data: { column: values, … } }), evaluate({ data }).",
    );
  },
  startWorker: () => null,
};
