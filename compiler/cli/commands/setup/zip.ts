/** @file Reads zip files (wheels are such): the list of entries, and the bytes of one. */
import { createReadStream } from "node:fs";
import type { FileHandle } from "node:fs/promises";
import { Readable } from "node:stream";
import { createInflateRaw } from "node:zlib";

export interface ZipEntry {
  readonly name: string;
  /** 0: stored, 8: deflated. */
  readonly method: number;
  readonly compressedSize: number;
  readonly size: number;
  readonly headerOffset: number;
}

/** Thrown for what is no zip file, or one that is cut off or of a kind that wheels are not. */
export class BadZip extends Error {
  override readonly name = "BadZip";
}

const endSignature = 0x06054b50;
const entrySignature = 0x02014b50;
const headerSignature = 0x04034b50;
/** Size of the end record without its comment, which has at most 65,535 bytes. */
const endSize = 22;
/** Stands for a value of zip64, which files below 4 GiB do not have. */
const beyond32Bits = 0xffffffff;

async function bytesAt(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const buffer = Buffer.alloc(length);
  const { bytesRead } = await file.read(buffer, 0, length, position);
  if (bytesRead !== length) throw new BadZip("it is cut off");
  return buffer;
}

/** All entries, as the directory at the end of the file lists them. */
export async function readEntries(file: FileHandle): Promise<readonly ZipEntry[]> {
  const { size } = await file.stat();
  if (size < endSize) throw new BadZip("it is too small");
  const tailSize = Math.min(size, endSize + 0xffff);
  const tail = await bytesAt(file, size - tailSize, tailSize);
  let end = tail.length - endSize;
  while (end >= 0 && tail.readUInt32LE(end) !== endSignature) end--;
  if (end < 0) throw new BadZip("it is no zip file, or cut off");
  const directorySize = tail.readUInt32LE(end + 12);
  const directoryStart = tail.readUInt32LE(end + 16);
  if (directoryStart + directorySize > size) throw new BadZip("its directory is cut off");
  const directory = await bytesAt(file, directoryStart, directorySize);

  const entries: ZipEntry[] = [];
  let at = 0;
  while (at < directory.length) {
    if (at + 46 > directory.length || directory.readUInt32LE(at) !== entrySignature) {
      throw new BadZip("its directory is damaged");
    }
    const nameLength = directory.readUInt16LE(at + 28);
    const rest = directory.readUInt16LE(at + 30) + directory.readUInt16LE(at + 32);
    const entry: ZipEntry = {
      name: directory.toString("utf8", at + 46, at + 46 + nameLength),
      method: directory.readUInt16LE(at + 10),
      compressedSize: directory.readUInt32LE(at + 20),
      size: directory.readUInt32LE(at + 24),
      headerOffset: directory.readUInt32LE(at + 42),
    };
    if (Math.max(entry.compressedSize, entry.size, entry.headerOffset) === beyond32Bits) {
      throw new BadZip("it is of the kind for more than 4 GiB");
    }
    entries.push(entry);
    at += 46 + nameLength + rest;
  }
  return entries;
}

/** The entry's bytes, as they are when unpacked. Errors of the stream are BadZip or zlib's. */
export async function openEntry(file: FileHandle, entry: ZipEntry): Promise<Readable> {
  const header = await bytesAt(file, entry.headerOffset, 30);
  if (header.readUInt32LE(0) !== headerSignature) throw new BadZip(`${entry.name} is damaged`);
  if (entry.method !== 0 && entry.method !== 8) {
    throw new BadZip(`${entry.name} is packed in an unknown way`);
  }
  if (entry.compressedSize === 0) return Readable.from([]);
  const start = entry.headerOffset + 30 + header.readUInt16LE(26) + header.readUInt16LE(28);
  // By its number: a handle keeps a listener for every stream that it has opened.
  const packed = createReadStream("", {
    fd: file.fd,
    start,
    end: start + entry.compressedSize - 1,
    autoClose: false,
    highWaterMark: 1 << 20,
  });
  if (entry.method === 0) return packed;
  const inflated = createInflateRaw({ chunkSize: 1 << 18 });
  packed.on("error", (error) => inflated.destroy(error));
  return packed.pipe(inflated);
}

/** The entry's bytes as text. */
export async function entryText(file: FileHandle, entry: ZipEntry): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of await openEntry(file, entry)) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString("utf8");
}
