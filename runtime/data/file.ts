/** @file Reading files: whole into shared memory, in chunks, or only their beginning; gzip on the way. */
import { createReadStream } from "node:fs";
import { type FileHandle, open, stat } from "node:fs/promises";
import { createGunzip } from "node:zlib";
import { guessEncoding, notUtf8Because } from "../encoding.js";
import { systemReason } from "../errors.js";
import { count, DataError } from "./errors.js";
import type { DataPath } from "./path.js";

/** More than this in one file is refused: it would not fit beside a model. */
const mostBytes = 2 ** 32;
/** Past 1 MiB, gzip may grow a file at most this much; data that compresses better is a bomb. */
const mostGrowth = 100;

/** Bytes in a SharedArrayBuffer, so that the batch worker reads them without a copy. */
export function sharedBytes(length: number): Uint8Array<SharedArrayBuffer> {
  return new Uint8Array(new SharedArrayBuffer(length));
}

/** Bytes that only this thread reads; freed sooner than shared ones. */
export function privateBytes(length: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(length);
}

/**
 * The whole file, decompressed. `allocate`: where the bytes go; shared memory by default, for files
 * whose bytes become a column as they are.
 */
export async function readBytes<B extends ArrayBufferLike = SharedArrayBuffer>(
  file: DataPath,
  allocate: (length: number) => Uint8Array<B> = sharedBytes as (length: number) => Uint8Array<B>,
): Promise<Uint8Array<B>> {
  return guarded(file, async () => {
    if (await isGzip(file)) return collect(readChunks(file), allocate);
    const handle = await open(file.path, "r");
    try {
      const { size } = await handle.stat();
      if (size > mostBytes) throw tooLarge(file, size);
      const bytes = allocate(size);
      await fill(handle, bytes);
      return bytes;
    } finally {
      await handle.close();
    }
  });
}

/** At most the first `length` bytes, decompressed. */
export async function readHead(file: DataPath, length: number): Promise<Uint8Array> {
  return guarded(file, async () => {
    const chunks: Uint8Array[] = [];
    let got = 0;
    for await (const chunk of readChunks(file)) {
      chunks.push(chunk);
      got += chunk.length;
      if (got >= length) break;
    }
    return Buffer.concat(chunks).subarray(0, length);
  });
}

/** Size on disk, and whether that is of compressed bytes. */
export async function measure(file: DataPath): Promise<{ bytes: number; gzip: boolean }> {
  return guarded(file, async () => ({
    bytes: (await stat(file.path)).size,
    gzip: await isGzip(file),
  }));
}

/** The file's bytes in pieces, decompressed, within the bounds above. */
export async function* readChunks(file: DataPath): AsyncGenerator<Uint8Array> {
  const gzip = await isGzip(file);
  const { size } = await stat(file.path);
  const limit = gzip ? Math.min(mostBytes, Math.max(2 ** 20, size * mostGrowth)) : mostBytes;
  if (size > mostBytes) throw tooLarge(file, size);
  const raw = createReadStream(file.path, { highWaterMark: 1 << 18 });
  const stream = gzip ? raw.pipe(createGunzip({ chunkSize: 1 << 18 })) : raw;
  raw.on("error", (error) => stream.destroy(error));
  let total = 0;
  try {
    for await (const chunk of stream as AsyncIterable<Uint8Array>) {
      total += chunk.length;
      if (total > limit) {
        throw new DataError(
          "compression-bomb",
          `${file.shown} grows to more than ${mostGrowth} times its size`,
          {
            place: file.shown,
            help: "If the file is what you expect, decompress it yourself and name the result.",
          },
        );
      }
      yield chunk;
    }
  } catch (error) {
    throw explain(file, error);
  } finally {
    raw.destroy();
    stream.destroy();
  }
}

/** gzip is known by its first bytes, whatever the file is called. */
async function isGzip(file: DataPath): Promise<boolean> {
  const handle = await open(file.path, "r");
  try {
    const magic = new Uint8Array(2);
    const { bytesRead } = await handle.read(magic, 0, 2, 0);
    return bytesRead === 2 && magic[0] === 0x1f && magic[1] === 0x8b;
  } finally {
    await handle.close();
  }
}

async function fill(handle: FileHandle, bytes: Uint8Array): Promise<void> {
  let at = 0;
  while (at < bytes.length) {
    const { bytesRead } = await handle.read(bytes, at, Math.min(bytes.length - at, 1 << 26), at);
    // A file that shrinks while it is read: what is missing stays zero, the reader's own length
    // checks were made on the size, so say so here.
    if (bytesRead === 0) throw new Error("the file became shorter while it was read");
    at += bytesRead;
  }
}

async function collect<B extends ArrayBufferLike>(
  chunks: AsyncIterable<Uint8Array>,
  allocate: (length: number) => Uint8Array<B>,
): Promise<Uint8Array<B>> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of chunks) {
    parts.push(chunk);
    length += chunk.length;
  }
  const bytes = allocate(length);
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

async function guarded<T>(file: DataPath, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw explain(file, error);
  }
}

function explain(file: DataPath, error: unknown): unknown {
  if (error instanceof DataError) return error;
  const code = (error as { code?: unknown }).code;
  const reason = systemReason(error) ?? (error instanceof Error ? error.message : String(error));
  if (typeof code === "string" && code.startsWith("Z_")) {
    return new DataError("damaged-gzip", `${file.shown} is not complete gzip: ${reason}`, {
      place: file.shown,
      help: "Download or compress the file again.",
      cause: error,
    });
  }
  return new DataError("data-file-unreadable", `${file.shown} cannot be read: ${reason}`, {
    place: file.shown,
    help: "Check that the file exists, that you may read it, and that nothing else is changing it.",
    reason: "io",
    cause: error,
  });
}

function tooLarge(file: DataPath, size: number): DataError {
  return new DataError("data-too-large", `${file.shown} has ${count(size, "byte")}`, {
    place: file.shown,
    help: `At most ${count(mostBytes, "byte")} per file are read; split it or take a part of it.`,
  });
}

/** `bytes`: the file, or its beginning. @throws DataError `not-utf8` if it is in another encoding. */
export function requireUtf8(file: DataPath, bytes: Uint8Array): void {
  if (guessEncoding(bytes) !== "UTF-8") throw notUtf8(file, bytes);
}

/** The whole file as text, without its byte order mark. @throws DataError `not-utf8`. */
export function decodeUtf8(file: DataPath, bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw notUtf8(file, bytes, cause);
  }
}

/** `bytes`: the file, or its beginning; a guess at its encoding is part of the message. */
export function notUtf8(file: DataPath, bytes: Uint8Array, cause?: unknown): DataError {
  return new DataError("not-utf8", `${file.shown} is ${notUtf8Because(guessEncoding(bytes))}`, {
    place: file.shown,
    help: "Save the file as UTF-8.",
    cause,
  });
}
