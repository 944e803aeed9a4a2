/** @file Images as files: what reading them needs of its surroundings, and telling their formats apart. */

export type ImageShape = readonly [height: number, width: number, channels: number];

/** Reading, decoding and resizing images. Each is refused with a DlcError where the surroundings cannot. */
export interface Pictures {
  /** The bytes of the file that a caller named for the feature `name`; `place`: where, for messages. */
  read(path: string, name: string, place: string): Promise<Uint8Array>;
  /** The pixels of a PNG, JPEG or WebP file as [H, W, C]; of another size only with `resize`. */
  decode(bytes: Uint8Array, shape: ImageShape, resize: boolean, place: string): Promise<Uint8Array>;
  /** Stretches raw pixels to another size. */
  resize(pixels: Uint8Array, from: ImageShape, to: ImageShape): Promise<Uint8Array>;
}

const formats: readonly { readonly name: string; readonly magic: readonly (number | null)[] }[] = [
  { name: "PNG", magic: [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a] },
  { name: "JPEG", magic: [0xff, 0xd8, 0xff] },
  // "RIFF", four bytes of length, "WEBP"
  { name: "WebP", magic: [0x52, 0x49, 0x46, 0x46, null, null, null, null, 0x57, 0x45, 0x42, 0x50] },
];

/** The format by its first bytes. Only these three reach the decoder. */
export function imageFormat(bytes: Uint8Array): string | null {
  const found = formats.find(({ magic }) => magic.every((b, i) => b === null || bytes[i] === b));
  return found?.name ?? null;
}
