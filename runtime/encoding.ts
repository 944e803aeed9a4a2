/** @file How the bytes of a file stand for text: files are UTF-8, others are recognised to say so. */

export type Encoding = "UTF-8" | "UTF-16LE" | "UTF-16BE" | "UTF-32" | "binary";

const marks: readonly (readonly [Encoding, readonly number[]])[] = [
  ["UTF-32", [0xff, 0xfe, 0, 0]],
  ["UTF-32", [0, 0, 0xfe, 0xff]],
  ["UTF-16LE", [0xff, 0xfe]],
  ["UTF-16BE", [0xfe, 0xff]],
];

/** The beginning of a file that is looked at, in bytes. */
export const headBytes = 4096;

/**
 * By the byte order mark, else by NULs, which text in UTF-8 does not hold: in UTF-16 every other byte
 * of plain letters and digits is one. "UTF-8": nothing speaks against it.
 */
export function guessEncoding(bytes: Uint8Array): Encoding {
  const marked = marks.find(([, mark]) => mark.every((byte, i) => bytes[i] === byte));
  if (marked !== undefined) return marked[0];
  const head = bytes.subarray(0, headBytes);
  if (!head.includes(0)) return "UTF-8";
  const zeros = [0, 0];
  head.forEach((byte, i) => {
    if (byte === 0) zeros[i % 2] = (zeros[i % 2] as number) + 1;
  });
  const [even = 0, odd = 0] = zeros;
  const most = head.length / 2;
  if (odd > most / 2 && even < most / 4) return "UTF-16LE";
  return even > most / 2 && odd < most / 4 ? "UTF-16BE" : "binary";
}

/** What is wrong with a file that was to be UTF-8, after "the file is". */
export function notUtf8Because(encoding: Encoding): string {
  if (encoding === "UTF-8") return "not text in UTF-8";
  if (encoding === "binary") return "not text in UTF-8: it holds NUL characters";
  return `in ${encoding.replace(/[BL]E$/, "")}, not in UTF-8`;
}
