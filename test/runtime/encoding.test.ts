import { describe, expect, it } from "vitest";
import { guessEncoding, notUtf8Because } from "../../runtime/encoding.js";

const table = "size,label\n1.5,a\n2.5,b\n";
const little = Buffer.from(table, "utf16le");
const big = Buffer.from(little).swap16();

describe("the encoding of a text", () => {
  it.each([
    ["UTF-8", Buffer.from(table)],
    ["UTF-8", Buffer.from(`\ufeff${table}`)],
    ["UTF-8", Buffer.from("")],
    ["UTF-8", Buffer.from("größe,名前\n")],
    ["UTF-16LE", Buffer.concat([Buffer.from([0xff, 0xfe]), little])],
    ["UTF-16BE", Buffer.concat([Buffer.from([0xfe, 0xff]), big])],
    ["UTF-16LE", little],
    ["UTF-16BE", big],
    ["UTF-32", Buffer.from([0xff, 0xfe, 0, 0, 0x61, 0, 0, 0])],
    ["UTF-32", Buffer.from([0, 0, 0xfe, 0xff, 0, 0, 0, 0x61])],
    ["binary", Buffer.from("a,b\n1,\0\n")],
    ["binary", Buffer.from([0x89, 0x50, 0x4e, 0x47, 0, 1, 2])],
  ])("is found to be %s (%#)", (encoding, bytes) => {
    expect(guessEncoding(bytes)).toBe(encoding);
  });

  it("is told where it is not UTF-8", () => {
    expect(notUtf8Because(guessEncoding(little))).toBe("in UTF-16, not in UTF-8");
    expect(notUtf8Because("UTF-32")).toBe("in UTF-32, not in UTF-8");
    expect(notUtf8Because("binary")).toMatch(/NUL/);
  });
});
