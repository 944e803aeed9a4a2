/** @file What `dlc setup` makes of wheels: whole, damaged, hostile; of folders, platforms and disks. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DlcError } from "@dlc/runtime";
import fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import { checkSpace, libraryFolder } from "../../compiler/cli/commands/setup/cache.js";
import { headerFolders } from "../../compiler/cli/commands/setup/releases.js";
import { checkPlatform, wheelObstacle } from "../../compiler/cli/commands/setup/tensorflow.js";
import { unpackWheel } from "../../compiler/cli/commands/setup/unpack.js";
import { wheelFiles, wheelOf, zip } from "../support/wheel.js";

const folder = mkdtempSync(join(tmpdir(), "dlc-unpack-"));
afterAll(() => rmSync(folder, { recursive: true }));
let made = 0;

/** Unpacks a wheel; the folder's files by path, and what was found in its metadata. */
async function unpacked(wheel: Uint8Array) {
  const file = join(folder, `${made}.whl`);
  const target = join(folder, `${made++}`);
  writeFileSync(file, wheel);
  const found = await unpackWheel(file, target, { signal: undefined, onLibrary: () => {} });
  const files = readdirSync(target, { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  );
  const contents = files.map((entry) => {
    const path = join(entry.parentPath, entry.name);
    return [path.slice(target.length + 1), readFileSync(path)] as const;
  });
  return { ...found, files: new Map(contents) };
}

const damaged = { code: "setup-wheel-damaged", reason: "io" };

describe("unpacking a wheel", () => {
  it("gives libraries and headers byte by byte, and nothing else of it", async () => {
    const bytes = fc.uint8Array({ maxLength: 5000 });
    await fc.assert(
      fc.asyncProperty(bytes, bytes, fc.boolean(), async (library, header, stored) => {
        const wanted = [
          ...wheelFiles.slice(1),
          { name: "tensorflow/libtensorflow_cc.so.2", content: library, stored },
          { name: `${headerFolders[2]}deep/er.h`, content: header, stored: !stored },
        ];
        const rest = [{ name: "tensorflow/python/keras.py", content: "import os" }];
        const { files } = await unpacked(wheelOf([...rest, ...wanted]));
        expect([...files.keys()].sort()).toEqual(wanted.map(({ name }) => name).sort());
        for (const { name, content } of wanted) {
          expect(
            Buffer.compare(files.get(name) as Buffer, Buffer.from(content as Uint8Array)),
          ).toBe(0);
        }
      }),
      { numRuns: 20 },
    );
  });

  it("reads which CUDA libraries the wheel asks for", async () => {
    const { cudaRequirements } = await unpacked(wheelOf(wheelFiles));
    expect(cudaRequirements).toEqual(["nvidia-cublas-cu12<13.0,>=12.5.3.2"]);
  });

  it("never gives other bytes than the record says, whichever byte is damaged", async () => {
    const whole = wheelOf(wheelFiles);
    const place = fc.integer({ min: 0, max: whole.length - 1 });
    await fc.assert(
      fc.asyncProperty(place, fc.integer({ min: 1, max: 255 }), async (at, change) => {
        const wheel = Buffer.from(whole);
        wheel[at] = (wheel[at] as number) ^ change;
        const result = await unpacked(wheel).catch((error: unknown) => error);
        if (result instanceof DlcError) {
          expect(result).toMatchObject(damaged);
          return;
        }
        // What did no harm: a date, a version, the record of a file that is not needed.
        const { files } = result as Awaited<ReturnType<typeof unpacked>>;
        for (const { name, content } of wheelFiles.slice(0, 2)) {
          expect(files.get(name)?.toString()).toBe(content);
        }
      }),
      { numRuns: 200 },
    );
  });

  it("refuses what is cut off, wherever", async () => {
    const whole = wheelOf(wheelFiles);
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: whole.length - 1 }), async (size) => {
        await expect(unpacked(whole.subarray(0, size))).rejects.toMatchObject(damaged);
      }),
      { numRuns: 30 },
    );
  });

  it("refuses wheels without libraries or record, and files that the record does not list", async () => {
    await expect(unpacked(wheelOf(wheelFiles.slice(1)))).rejects.toMatchObject(damaged);
    await expect(unpacked(zip(wheelFiles))).rejects.toMatchObject(damaged);
    await expect(unpacked(wheelOf(wheelFiles, wheelFiles.slice(1)))).rejects.toMatchObject(damaged);
  });

  it("writes nothing outside its folder", async () => {
    const hostile = { name: `${headerFolders[0]}../../../../../escaped.h`, content: "x" };
    const { files } = await unpacked(wheelOf([...wheelFiles, hostile]));
    expect([...files.keys()].sort()).toEqual(wheelFiles.map(({ name }) => name).sort());
    expect(readdirSync(folder)).not.toContain("escaped.h");
  });
});

describe("where it can work", () => {
  it.each([
    ["linux", "x64", [2, 36], null],
    ["linux", "x64", [2, 27], null],
    ["linux", "x64", [2, 17], /glibc is 2\.17/],
    ["linux", "x64", null, /musl/],
    ["linux", "arm64", [2, 36], /linux on arm64/],
    ["darwin", "arm64", null, /darwin on arm64/],
    ["win32", "x64", null, /win32 on x64/],
  ] as const)("wheels for %s %s %j", (platform, arch, libc, obstacle) => {
    const found = wheelObstacle(platform, arch, libc);
    if (obstacle === null) expect(found).toBe(null);
    else expect(found).toMatch(obstacle);
  });

  it("says at once what cannot work, and what can", () => {
    const unsupported = expect.objectContaining({
      code: "setup-unsupported",
      reason: "environment",
      help: expect.any(String),
    });
    const check =
      (
        wanted: Partial<Parameters<typeof checkPlatform>[0]>,
        platform: string,
        obstacle: string | null,
      ) =>
      () =>
        checkPlatform(
          { kind: "cpu", route: null, wheel: undefined, ...wanted },
          platform,
          obstacle,
        );
    expect(check({ route: "wheel" }, "darwin", "this is darwin")).toThrow(unsupported);
    expect(check({ wheel: "x.whl" }, "darwin", "this is darwin")).toThrow(unsupported);
    expect(check({ kind: "gpu" }, "darwin", "this is darwin")).toThrow(unsupported);
    expect(check({}, "darwin", "this is darwin")).not.toThrow();
    expect(check({ kind: "gpu", route: "wheel" }, "linux", null)).not.toThrow();
  });

  it("asks for space before anything is written, of folders that are not there yet, too", async () => {
    const missing = join(folder, "not", "there");
    await checkSpace(missing, 1);
    await expect(checkSpace(missing, Number.MAX_SAFE_INTEGER)).rejects.toMatchObject({
      code: "setup-no-space",
      reason: "io",
      place: missing,
    });
  });

  it("keeps libraries where XDG_CACHE_HOME says, if it is an absolute path", () => {
    expect(libraryFolder("cpu", { XDG_CACHE_HOME: "/caches" })).toMatch(
      /^\/caches\/dlc\/tensorflow\/[\d.]+-cpu$/,
    );
    const usual = libraryFolder("gpu", {});
    expect(usual).toMatch(/\.cache\/dlc\/tensorflow\/[\d.]+-gpu$/);
    expect(libraryFolder("gpu", { XDG_CACHE_HOME: "caches" })).toBe(usual);
  });
});
