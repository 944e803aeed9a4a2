/** @file Small wheels: zip files with a record of their files. */
import { createHash } from "node:crypto";
import { crc32, deflateRawSync } from "node:zlib";

export interface WheelFile {
  readonly name: string;
  readonly content: Uint8Array | string;
  readonly stored?: boolean;
}

const number = (value: number, bytes: number): Buffer => {
  const buffer = Buffer.alloc(bytes);
  buffer.writeUIntLE(value, 0, bytes);
  return buffer;
};

/** A zip file (PKWARE's APPNOTE: local headers with their data, the directory, the end record). */
export function zip(files: readonly WheelFile[]): Buffer {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const { name, content, stored = false } of files) {
    const data = Buffer.from(content as Uint8Array);
    const packed = stored ? data : deflateRawSync(data);
    const path = Buffer.from(name);
    const facts = [
      number(stored ? 0 : 8, 2),
      number(0, 4),
      number(crc32(data), 4),
      number(packed.length, 4),
      number(data.length, 4),
      number(path.length, 2),
    ];
    const local = Buffer.concat([
      number(0x04034b50, 4),
      number(20, 2),
      number(0, 2),
      ...facts,
      number(0, 2),
      path,
      packed,
    ]);
    directory.push(
      Buffer.concat([number(0x02014b50, 4), number(20, 2), number(20, 2), number(0, 2), ...facts]),
      Buffer.concat([
        number(0, 2),
        number(0, 2),
        number(0, 2),
        number(0, 2),
        number(0, 4),
        number(offset, 4),
        path,
      ]),
    );
    parts.push(local);
    offset += local.length;
  }
  const list = Buffer.concat(directory);
  const end = [
    number(0x06054b50, 4),
    number(0, 4),
    number(files.length, 2),
    number(files.length, 2),
  ];
  return Buffer.concat([
    ...parts,
    list,
    ...end,
    number(list.length, 4),
    number(offset, 4),
    number(0, 2),
  ]);
}

const record = (files: readonly WheelFile[]): string =>
  files
    .map(({ name, content }) => {
      const hash = createHash("sha256").update(content).digest("base64url");
      return `${name},sha256=${hash},${Buffer.from(content as Uint8Array).length}\r\n`;
    })
    .join("");

/** A wheel with these files, and what else unpacking looks for. */
export function wheelOf(files: readonly WheelFile[], listed: readonly WheelFile[] = files): Buffer {
  return zip([
    ...files,
    {
      name: "tensorflow-2.21.0.dist-info/METADATA",
      content:
        'Name: tensorflow\nRequires-Dist: nvidia-cublas-cu12<13.0,>=12.5.3.2; extra == "and-cuda"\nRequires-Dist: numpy>=1.26.0\n',
    },
    { name: "tensorflow-2.21.0.dist-info/RECORD", content: record(listed) },
  ]);
}

/** The libraries and a header, all of them texts. */
export const wheelFiles: readonly WheelFile[] = [
  { name: "tensorflow/libtensorflow_cc.so.2", content: "library of TF_Version".repeat(300) },
  {
    name: "tensorflow/libtensorflow_framework.so.2",
    content: "framework".repeat(200),
    stored: true,
  },
  { name: "tensorflow/include/tensorflow/c/c_api.h", content: "const char* TF_Version(void);\n" },
];
