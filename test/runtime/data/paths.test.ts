/** @file Where paths of a spec may lead, and bounds on what is read from them. */
import { closeSync, ftruncateSync, mkdirSync, openSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { expect, it } from "vitest";
import { readBytes, readHead } from "../../../runtime/data/file.js";
import { locate } from "../../../runtime/data/path.js";
import { failure, folder, put } from "./support.js";

const root = folder();
const base = join(root, "models/one");
mkdirSync(base, { recursive: true });
put(root, "node_modules/plain/package.json", "{}");
put(root, "node_modules/plain/data/x.bin", "plain");
put(root, "node_modules/sealed/package.json", '{"exports": {}}');
put(root, "node_modules/sealed/x.bin", "sealed");
put(root, "node_modules/@scope/name/package.json", "{}");
put(root, "node_modules/@scope/name/x.bin", "scoped");
put(root, "secret.txt", "secret");
put(base, "data/iris.csv", "x");
symlinkSync(join(root, "secret.txt"), join(root, "node_modules/plain/link.bin"));
symlinkSync(root, join(root, "node_modules/plain/folder"));

const refusal = async (path: string, want: "file" | "folder" = "file") =>
  failure((async () => locate(path, base, want))());

it("resolves paths against the spec's folder and packages from there upwards", () => {
  const found: Record<string, string> = {
    "data/iris.csv": join(base, "data/iris.csv"),
    "../../secret.txt": join(root, "secret.txt"),
    "npm:plain/data/x.bin": join(root, "node_modules/plain/data/x.bin"),
    "npm:sealed/x.bin": join(root, "node_modules/sealed/x.bin"),
    "npm:@scope/name/x.bin": join(root, "node_modules/@scope/name/x.bin"),
  };
  for (const [path, full] of Object.entries(found)) {
    expect(locate(path, base)).toEqual({ path: full, shown: path });
  }
});

it("never leaves a package, by dots, by links or by strange names", async () => {
  for (const path of [
    "npm:plain/../../secret.txt",
    "npm:plain/data/../../../secret.txt",
    "npm:plain/..",
    "npm:plain/link.bin",
    "npm:plain/folder/secret.txt",
    "npm:plain//../../secret.txt",
    `npm:plain/${join(root, "secret.txt")}`,
    "npm:plain/folder/nothing-here",
    "npm:plain/.",
  ]) {
    const error = await refusal(path);
    expect([path, error.code]).toEqual([
      path,
      expect.stringMatching(/data-path-outside|data-file-missing/),
    ]);
  }
  for (const path of [
    "npm:../models/x",
    "npm:.hidden/x",
    "npm:plain",
    "npm:",
    "npm:@scope/x",
    "npm:a\\b/x",
  ]) {
    expect((await refusal(path)).code).toMatch(/data-file-missing|data-package-missing/);
  }
});

it("says how to install a package that is missing", async () => {
  const error = await refusal("npm:@data/none/x.idx");
  expect(error).toMatchObject({
    code: "data-package-missing",
    help: "Install it: npm install -D @data/none",
    reason: "environment",
  });
});

it("suggests a file nearby", async () => {
  expect((await refusal("data/irsi.csv")).help).toContain("Did you mean 'data/iris.csv'?");
  expect((await refusal("nowhere/irsi.csv")).code).toBe("data-file-missing");
  expect((await refusal("a\0b")).code).toBe("data-file-missing");
  expect((await refusal("")).code).toBe("data-file-missing");
});

it("wants files where files are needed and folders where folders are", async () => {
  expect((await refusal("data")).code).toBe("data-file-unreadable");
  expect((await refusal("data/iris.csv", "folder")).code).toBe("data-file-unreadable");
  expect((await refusal("/dev/zero")).code).toBe("data-file-unreadable");
});

it("refuses gzip that grows like a bomb, after little memory", async () => {
  put(base, "bomb.gz", gzipSync(Buffer.alloc(300 << 20), { level: 9 }));
  const before = process.memoryUsage().rss;
  expect((await failure(readBytes(locate("bomb.gz", base)))).code).toBe("compression-bomb");
  expect(process.memoryUsage().rss - before).toBeLessThan(256e6);
});

it("refuses files that are larger than data can be, before reading them", async () => {
  // A hole: it takes no room on the disk.
  const file = openSync(join(base, "huge.bin"), "w");
  ftruncateSync(file, 2 ** 32 + 1);
  closeSync(file);
  expect((await failure(readBytes(locate("huge.bin", base)))).code).toBe("data-too-large");
  expect((await failure(readHead(locate("huge.bin", base), 4))).code).toBe("data-too-large");
});

it("lets small files grow: a column of equal labels is no bomb", async () => {
  put(base, "zeros.gz", gzipSync(Buffer.alloc(1 << 20)));
  expect(await readBytes(locate("zeros.gz", base))).toHaveLength(1 << 20);
});

it("refuses gzip cut off at any length, and gzip with a wrong sum", async () => {
  const whole = gzipSync(Buffer.from("some data that is long enough to matter"));
  for (let length = 2; length < whole.length; length++) {
    put(base, "cut.gz", whole.subarray(0, length));
    expect((await failure(readBytes(locate("cut.gz", base)))).code).toBe("damaged-gzip");
  }
  whole[whole.length - 6]! ^= 1;
  put(base, "sum.gz", whole);
  expect((await failure(readBytes(locate("sum.gz", base)))).code).toBe("damaged-gzip");
});

it("reads gzip by its first bytes, whatever the file is called", async () => {
  put(base, "packed.csv", gzipSync("hello"));
  put(base, "plain.gz", "hello");
  for (const name of ["packed.csv", "plain.gz"]) {
    expect(Buffer.from(await readBytes(locate(name, base))).toString()).toBe("hello");
    expect(Buffer.from(await readHead(locate(name, base), 3)).toString()).toBe("hel");
  }
});

it("says that URLs and devices are not read", async () => {
  expect(await refusal("https://example.org/d.csv")).toMatchObject({
    code: "data-file-missing",
    message: expect.stringContaining("URL"),
  });
  expect(await refusal("/dev/null")).toMatchObject({
    code: "data-file-unreadable",
    help: expect.stringContaining("regular files"),
  });
});
