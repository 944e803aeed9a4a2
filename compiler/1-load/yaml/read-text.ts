/** @file From bytes on disk to text: size, kind of file, encoding. */
import { isUtf8 } from "node:buffer";
import { closeSync, constants, fstatSync, openSync, readFileSync } from "node:fs";
import { type Encoding, guessEncoding, notUtf8Because } from "@dlc/runtime/encoding";
import type { Diagnostics } from "../../diagnostics/report.js";
import type { Span } from "../../ir/origin.js";
import type { LoadContext } from "../context.js";
import { limits } from "./limits.js";

const failures: Readonly<Record<string, string>> = {
  ENOENT: "there is no such file",
  EACCES: "reading it is not permitted",
  EISDIR: "it is a folder",
  ENOTDIR: "a part of the path is not a folder",
  ELOOP: "its links lead in a circle",
  ENAMETOOLONG: "the name is too long",
};

/** The content of a file, given its absolute path; throws as `readFileSync` does. */
export type ReadText = (path: string) => string | Uint8Array;

export interface FileRequest {
  /** Absolute. */
  readonly path: string;
  /** As the user wrote it. */
  readonly shown: string;
  /** Who asked for the file; null: the command line. */
  readonly span: Span | null;
  readonly read: ReadText | undefined;
}

/**
 * The text of a spec file, without a byte order mark. Null after a diagnostic where the file was
 * asked for, or in the file itself.
 */
export function readSpecText(file: FileRequest, context: LoadContext): string | null {
  const { path, shown, span, read } = file;
  const { diagnostics, sources } = context;
  let bytes: Uint8Array;
  try {
    const content = read === undefined ? readRegularFile(path) : read(path);
    bytes = typeof content === "string" ? Buffer.from(content, "utf8") : content;
  } catch (error) {
    const code = (error as { code?: unknown }).code;
    const reason =
      error instanceof Unreadable
        ? error.message
        : (failures[String(code)] ?? String(code ?? "it cannot be opened"));
    const advice =
      span === null
        ? "Check the path. It is that of a spec, a YAML file."
        : "Check the path; 'extends' is relative to the folder of the spec.";
    diagnostics.report("cannot-read", span, { file: shown, reason, advice });
    return null;
  }
  if (bytes.length > limits.bytes) {
    sources.set(path, "");
    const size = `${limits.bytes / 1024} KiB`;
    diagnostics.report("file-too-large", { file: path, start: 0, end: 0 }, { limit: size });
    return null;
  }
  const encoding = guessEncoding(bytes);
  // For the frame of the message, text in UTF-16 is shown as what it says.
  const label = encoding.startsWith("UTF-16") ? encoding : "UTF-8";
  const text = new TextDecoder(label).decode(bytes); // drops a byte order mark
  sources.set(path, text);
  return encoding === "UTF-8" && isUtf8(bytes) && !text.includes("\0")
    ? checkCharacters(text, path, diagnostics)
    : notText(text, path, encoding, diagnostics);
}

class Unreadable extends Error {}

/** Opens without waiting (a named pipe would block for ever) and reads only regular files. */
function readRegularFile(path: string): Uint8Array {
  const descriptor = openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  try {
    const stat = fstatSync(descriptor);
    if (stat.isDirectory()) throw new Unreadable("it is a folder");
    if (!stat.isFile()) throw new Unreadable("it is not a regular file");
    if (stat.size > limits.bytes) return new Uint8Array(limits.bytes + 1);
    return readFileSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

function notText(text: string, file: string, encoding: Encoding, diagnostics: Diagnostics): null {
  const bad = text.search(/[\ufffd\0]/);
  const start = Math.max(0, bad);
  const problem = notUtf8Because(encoding === "UTF-8" && text.includes("\0") ? "binary" : encoding);
  diagnostics.report("spec-not-utf8", { file, start, end: start + 1 }, { problem });
  return null;
}

/** YAML allows no control characters but tab and line breaks. */
function checkCharacters(text: string, file: string, diagnostics: Diagnostics): string | null {
  const at = text.search(/(?![\t\n\r\u0085])[\p{Cc}\ufeff\ufffe\uffff]/u);
  if (at < 0) return text;
  const code = text.charCodeAt(at).toString(16).toUpperCase().padStart(4, "0");
  diagnostics.report("control-character", { file, start: at, end: at + 1 }, { code: `U+${code}` });
  return null;
}
