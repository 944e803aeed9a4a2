/** @file Decoding and resizing images with sharp (libvips), which is optional and loaded when first needed. */
import type { Sharp, SharpOptions } from "sharp";
import { count, DataError, showShape } from "./errors.js";
import { type ImageShape, imageFormat } from "./pictures.js";

/** 64 megapixels: what a larger picture would decode to does not fit beside the data. */
const limitInputPixels = 2 ** 26;

type SharpFactory = (input: Uint8Array, options?: SharpOptions) => Sharp;
let loaded: Promise<SharpFactory> | null = null;

async function sharp(): Promise<SharpFactory> {
  loaded ??= import("sharp").then(
    (module) => module.default as unknown as SharpFactory,
    (cause: unknown) => {
      loaded = null;
      throw new DataError("image-library-missing", "reading images needs the package sharp", {
        help: "Install it: npm install sharp",
        reason: "environment",
        cause,
      });
    },
  );
  return loaded;
}

/** Width, height and channels of an encoded image, from its header. */
export async function imageHeader(
  bytes: Uint8Array,
  place: string,
): Promise<{ readonly height: number; readonly width: number; readonly channels: number }> {
  const open = await opener(bytes, place);
  return decoding(place, async () => {
    const { autoOrient, channels, hasAlpha } = await open().metadata();
    return {
      height: autoOrient.height,
      width: autoOrient.width,
      channels: hasAlpha ? channels - 1 : channels,
    };
  });
}

/**
 * The pixels of an encoded image as [H, W, C]: turned upright by its EXIF tag, grey for 1 channel,
 * sRGB for 3 (transparency dropped), sRGB and alpha for 4. Another size is an error unless `resize`
 * is set; then the image is stretched to the shape.
 */
export async function decodeImage(
  bytes: Uint8Array,
  [height, width, channels]: ImageShape,
  resize: boolean,
  place: string,
): Promise<Uint8Array> {
  const open = await opener(bytes, place);
  return decoding(place, async () => {
    let image = open().autoOrient();
    if (resize) image = image.resize(width, height, { fit: "fill" });
    image = channels === 4 ? image.ensureAlpha() : image.removeAlpha();
    image = image.toColourspace(channels === 1 ? "b-w" : "srgb");
    const { data, info } = await image
      .raw({ depth: "uchar" })
      .toBuffer({ resolveWithObject: true });
    const got = [info.height, info.width, info.channels];
    if (got[0] === height && got[1] === width && got[2] === channels) return data;
    throw new DataError(
      "data-shape-mismatch",
      `this image is ${showShape(got)}, but ${showShape([height, width, channels])} is needed`,
      { place, help: "Add resize: true to the feature, or change its shape." },
    );
  });
}

/** Stretches raw pixels to another size. */
export async function resizePixels(
  pixels: Uint8Array,
  [height, width, channels]: ImageShape,
  [toHeight, toWidth]: ImageShape,
): Promise<Uint8Array> {
  const create = await sharp();
  const raw = { width, height, channels: channels as 1 | 2 | 3 | 4 };
  // sharp does not take shared memory.
  const { data } = await create(Uint8Array.from(pixels), { raw, limitInputPixels })
    .resize(toWidth, toHeight, { fit: "fill" })
    .toColourspace(channels < 3 ? "b-w" : "srgb")
    .raw()
    .toBuffer({ resolveWithObject: true });
  return data;
}

async function opener(bytes: Uint8Array, place: string): Promise<() => Sharp> {
  if (imageFormat(bytes) === null) {
    throw new DataError("image-unreadable", `${place} is not a PNG, JPEG or WebP image`, {
      place,
      help: "Remove the file, or convert it to PNG, JPEG or WebP.",
    });
  }
  const create = await sharp();
  const own = bytes.buffer instanceof SharedArrayBuffer ? Uint8Array.from(bytes) : bytes;
  return () => create(own, { limitInputPixels, failOn: "error" });
}

async function decoding<T>(place: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof DataError) throw error;
    const large = error instanceof Error && /pixel limit/i.test(error.message);
    const reason = large
      ? `it has more than ${count(limitInputPixels, "pixel")}`
      : "it is damaged or cut off";
    throw new DataError("image-unreadable", `${place} cannot be decoded: ${reason}`, {
      place,
      help: "Replace or remove the file.",
      cause: error,
    });
  }
}

/** Pixels 0 … 255 (rows, channels last; 1 or 3 channels) as a PNG file. */
export async function encodePng(
  pixels: Uint8ClampedArray,
  [height, width, channels]: ImageShape,
): Promise<Uint8Array> {
  const raw = { width, height, channels: channels === 1 ? (1 as const) : (3 as const) };
  const make = await sharp();
  return make(pixels as unknown as Uint8Array, { raw })
    .png({ compressionLevel: 9 })
    .toBuffer();
}
