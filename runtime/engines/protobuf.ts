/**
 * @file A writer for the protocol-buffers wire format: as much of it as models need.
 * https://protobuf.dev/programming-guides/encoding
 */

const wire = { varint: 0, bytes: 2, fixed32: 5 } as const;

export interface MessageWriter {
  /** int32, int64, enum, bool. Whole numbers up to 2^53 in size, negative ones included. */
  int(field: number, value: number): void;
  float(field: number, value: number): void;
  string(field: number, value: string): void;
  bytes(field: number, value: Uint8Array): void;
  message(field: number, write: (writer: MessageWriter) => void): void;
}

/** The bytes of one message. */
export function encodeMessage(write: (writer: MessageWriter) => void): Uint8Array {
  let buffer = new Uint8Array(1024);
  let length = 0;

  function reserve(count: number): void {
    if (length + count <= buffer.length) return;
    const larger = new Uint8Array(Math.max(buffer.length * 2, length + count));
    larger.set(buffer.subarray(0, length));
    buffer = larger;
  }
  function varint(value: number): void {
    reserve(10);
    if (value < 0) {
      // Negative numbers are written as 64-bit two's complement: always ten bytes.
      let rest = BigInt.asUintN(64, BigInt(value));
      while (rest > 127n) {
        buffer[length++] = Number(rest & 127n) | 128;
        rest >>= 7n;
      }
      buffer[length++] = Number(rest);
      return;
    }
    let rest = value;
    while (rest > 127) {
      buffer[length++] = (rest % 128) | 128;
      rest = Math.floor(rest / 128);
    }
    buffer[length++] = rest;
  }
  const tag = (field: number, type: number): void => varint(field * 8 + type);
  function bytes(field: number, value: Uint8Array): void {
    tag(field, wire.bytes);
    varint(value.length);
    reserve(value.length);
    buffer.set(value, length);
    length += value.length;
  }

  write({
    int(field, value) {
      tag(field, wire.varint);
      varint(value);
    },
    float(field, value) {
      tag(field, wire.fixed32);
      reserve(4);
      new DataView(buffer.buffer).setFloat32(length, value, true);
      length += 4;
    },
    string: (field, value) => bytes(field, new TextEncoder().encode(value)),
    bytes,
    message: (field, inner) => bytes(field, encodeMessage(inner)),
  });
  return buffer.subarray(0, length);
}
