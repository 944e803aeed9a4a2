/**
 * @file Unpacks a bundle's `app` folder: copies its files, those that end in .br decompressed. Runs on the machine
 * that measures, before anything else is there.
 *
 *     node unpack.mjs <app> <target>
 */
import { copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { brotliDecompressSync } from "node:zlib";

const [app, target] = process.argv.slice(2);
for (const entry of readdirSync(app, { recursive: true, withFileTypes: true })) {
  if (!entry.isFile()) continue;
  const from = join(entry.parentPath, entry.name);
  const to = join(target, relative(app, from));
  mkdirSync(dirname(to), { recursive: true });
  if (to.endsWith(".br")) writeFileSync(to.slice(0, -3), brotliDecompressSync(readFileSync(from)));
  else copyFileSync(from, to);
}
