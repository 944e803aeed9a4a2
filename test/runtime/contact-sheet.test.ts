/** @file Contact sheets: every image at its place, whole and unchanged. */
import { contactSheet, isDrawable } from "@dlc/runtime";
import sharp from "sharp";
import { expect, it } from "vitest";

const decode = async (png: Uint8Array) => {
  const { data, info } = await sharp(png).raw().toBuffer({ resolveWithObject: true });
  const at = (x: number, y: number): number[] =>
    [...data.subarray((y * info.width + x) * info.channels)].slice(0, info.channels);
  return { width: info.width, height: info.height, at };
};

it("puts grey images side by side with white between, values cut to 0 … 255", async () => {
  const shape = [2, 3, 1];
  const images = [
    { shape, data: [0, 50, 100, 150, 200, 250] },
    { shape, data: [-20, 300, 99.6, 1, 2, 3] },
    { shape, data: [9, 9, 9, 9, 9, 9] },
  ];
  const { width, height, at } = await decode(await contactSheet(images, { columns: 2, scale: 1 }));
  expect([width, height]).toEqual([2 + 2 * 5, 2 + 2 * 4]);
  const grey = (x: number, y: number): number => at(x, y)[0] as number;
  expect([grey(2, 2), grey(3, 2), grey(4, 2), grey(2, 3), grey(4, 3)]).toEqual([
    0, 50, 100, 150, 250,
  ]);
  expect([grey(7, 2), grey(8, 2), grey(9, 2)]).toEqual([0, 255, 100]);
  expect(grey(2, 6)).toBe(9);
  expect([grey(0, 0), grey(5, 2), grey(7, 6)]).toEqual([255, 255, 255]);
});

it("enlarges small images and keeps colours", async () => {
  const image = { shape: [1, 2, 3], data: [255, 0, 0, 0, 0, 255] };
  const { width, at } = await decode(await contactSheet([image], { scale: 4 }));
  expect(width).toBe(2 * 4 + 4);
  expect(at(2, 2)).toEqual([255, 0, 0]);
  expect(at(5, 5)).toEqual([255, 0, 0]);
  expect(at(6, 2)).toEqual([0, 0, 255]);
});

it("tells what can be drawn", async () => {
  expect([[28, 28, 1], [8, 8, 3], [8, 8, 2], [784], [8, 8, 1, 1]].map(isDrawable)).toEqual([
    ...[true, true, false, false, false],
  ]);
  await expect(contactSheet([])).rejects.toThrow();
});
