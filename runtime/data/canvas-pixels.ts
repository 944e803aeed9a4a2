/** @file Pixels as a canvas gives them (ImageData), as images of a feature's channels. */

/** What `context.getImageData()` gives: 0 … 255, rows of red, green, blue and alpha. */
export interface CanvasPixels {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8ClampedArray | Uint8Array;
}

export function isCanvasPixels(value: unknown): value is CanvasPixels {
  const { width, height, data } = Object(value) as Partial<CanvasPixels>;
  const isBytes = data instanceof Uint8ClampedArray || data instanceof Uint8Array;
  return isBytes && data.length === Number(width) * Number(height) * 4;
}

/**
 * The pixels as [height, width, channels]: 1 is grey, 3 drops the transparency, as it is with image files;
 * of any other number all four stay.
 */
export function fromCanvas(
  { width, height, data }: CanvasPixels,
  channels: number,
): { readonly shape: readonly [number, number, number]; readonly data: Uint8Array } {
  if (channels !== 1 && channels !== 3) {
    return { shape: [height, width, 4], data: Uint8Array.from(data) };
  }
  const pixels = new Uint8Array(width * height * channels);
  for (let i = 0; i < width * height; i++) {
    if (channels === 3) pixels.set(data.subarray(4 * i, 4 * i + 3), 3 * i);
    else pixels[i] = grey(data[4 * i] ?? 0, data[4 * i + 1] ?? 0, data[4 * i + 2] ?? 0);
  }
  return { shape: [height, width, channels], data: pixels };
}

/** Light that an sRGB value stands for, 0 … 1 (IEC 61966-2-1). */
const light = Float64Array.from({ length: 256 }, (_, value) => {
  const x = value / 255;
  return x <= 0.04045 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4;
});

/** The grey that is as bright (weights of ITU-R BT.709); grey stays as it is. */
function grey(r: number, g: number, b: number): number {
  const y = 0.2126 * (light[r] ?? 0) + 0.7152 * (light[g] ?? 0) + 0.0722 * (light[b] ?? 0);
  const x = y <= 0.0031308 ? y * 12.92 : 1.055 * y ** (1 / 2.4) - 0.055;
  return Math.round(x * 255);
}
