/** @file Data in Node: files, images by sharp, a worker thread. */
import { readFile } from "node:fs/promises";
import type { DataSpec, FittedFacts } from "../spec.js";
import type { HostTensor } from "../tensor.js";
import type { DataAccess } from "./access.js";
import { type Dataset, type OpenOptions, openDataBy } from "./dataset.js";
import {
  type EncodeOptions,
  encodeInputsBy,
  type InputDefinition,
  type InputRow,
} from "./encode-inputs.js";
import { DataError, quote } from "./errors.js";
import { decodeImage, resizePixels } from "./image.js";
import type { Pictures } from "./pictures.js";
import { readSource, sourceName } from "./sources/index.js";
import { BatchWorker } from "./worker-client.js";

const nodePictures: Pictures = {
  async read(path, _name, place) {
    try {
      return await readFile(path);
    } catch (cause) {
      throw new DataError("data-file-missing", `${quote(path)} cannot be read`, {
        place,
        help: "Pass the path of a PNG, JPEG or WebP file, relative to the current folder.",
        cause,
      });
    }
  },
  decode: decodeImage,
  resize: resizePixels,
};

export const nodeAccess: DataAccess = {
  pictures: nodePictures,
  sourceName,
  readSource,
  startWorker: () => BatchWorker.start(),
};

/** See `openDataBy`. */
export const openData = (
  spec: DataSpec,
  facts: FittedFacts,
  options: OpenOptions,
): Promise<Dataset> => openDataBy(nodeAccess, spec, facts, options);

/** See `encodeInputsBy`. */
export const encodeInputs = (
  definition: InputDefinition,
  rows: readonly InputRow[],
  options: EncodeOptions = {},
): Promise<Record<string, HostTensor>> => encodeInputsBy(nodePictures, definition, rows, options);
