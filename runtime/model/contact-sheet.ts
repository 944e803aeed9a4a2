/** @file Many images as one PNG picture: what a generator makes, at a glance. */
import { encodePng } from "../data/image.js";

/** An image of a prediction: values 0 … 255, channels last. */
export interface SheetImage {
  readonly shape: readonly number[];
  readonly data: ArrayLike<number>;
}

export interface SheetOptions {
  /** Images per row; default: about as many as there are rows. */
  readonly columns?: number;
  /** Every pixel is drawn as so many; default: enough to make images at least 56 pixels wide. */
  readonly scale?: number;
}

/** Pixels between images and around them. */
const gap = 2;

/** Can images of this shape be drawn: height, width and 1 (grey) or 3 (RGB) channels? */
export const isDrawable = (shape: readonly number[]): boolean =>
  shape.length === 3 && (shape[2] === 1 || shape[2] === 3);

/**
 * A PNG file with the images in rows, on white. All must have the same drawable shape; values are
 * rounded and cut to 0 … 255.
 * @throws DlcError `image-library-missing`.
 */
export async function contactSheet(
  images: readonly SheetImage[],
  options: SheetOptions = {},
): Promise<Uint8Array> {
  const [first] = images;
  if (first === undefined || !isDrawable(first.shape)) throw new Error("there is nothing to draw");
  const [height = 0, width = 0, channels = 0] = first.shape;
  const columns = options.columns ?? Math.ceil(Math.sqrt(images.length));
  const scale = options.scale ?? Math.max(1, Math.ceil(56 / width));
  const rows = Math.ceil(images.length / columns);
  const sheetWidth = columns * (width * scale + gap) + gap;
  const sheetHeight = rows * (height * scale + gap) + gap;
  const pixels = new Uint8ClampedArray(sheetWidth * sheetHeight * channels).fill(255);
  for (const [i, { data }] of images.entries()) {
    const left = (i % columns) * (width * scale + gap) + gap;
    const top = Math.floor(i / columns) * (height * scale + gap) + gap;
    for (let y = 0; y < height * scale; y++) {
      for (let x = 0; x < width * scale; x++) {
        const from = (Math.floor(y / scale) * width + Math.floor(x / scale)) * channels;
        const to = ((top + y) * sheetWidth + left + x) * channels;
        for (let c = 0; c < channels; c++) pixels[to + c] = data[from + c] as number;
      }
    }
  }
  return encodePng(pixels, [sheetHeight, sheetWidth, channels]);
}
