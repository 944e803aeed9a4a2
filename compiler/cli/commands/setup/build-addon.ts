/** @file The binding's addon, built against the libraries of a TensorFlow wheel. */
import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, rm, symlink } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { gist, runTool } from "../../tool.js";
import { buildFailed, toolMissing } from "./problems.js";
import { scriptEnvironment } from "./project.js";

type Signal = AbortSignal | undefined;

const install =
  "apt-get install g++ make python3 (Debian, Ubuntu), dnf install gcc-c++ make python3 (Fedora, RHEL)";

/** Are the tools there that node-gyp runs? @throws DlcError "setup-tool-missing"; Interrupted. */
export async function checkBuildTools(signal: Signal): Promise<void> {
  const tools: readonly (readonly [string, string])[] = [
    [process.env.CXX ?? "g++", "it compiles the binding's addon"],
    ["make", "it builds the binding's addon"],
    ["nm", "it lists what the libraries offer; it comes with g++"],
    ["python3", "node-gyp, which builds the addon, is written for it"],
  ];
  for (const [tool, why] of tools) {
    const { outcome } = await runTool(tool, ["--version"], { signal });
    if (outcome !== "ok") throw toolMissing(tool, why, `Install it: ${install}.`);
  }
}

/** Symbols that a library defines. */
async function exported(library: string, signal: Signal): Promise<ReadonlySet<string>> {
  const symbols = new Set<string>();
  const { outcome, output } = await runTool("nm", ["-D", "--defined-only", library], {
    signal,
    onLine: (line) => {
      const name = /\s(TFE?_\w+)(?:@.*)?$/.exec(line)?.[1];
      if (name !== undefined) symbols.add(name);
    },
  });
  if (outcome !== "ok") throw buildFailed(`nm does not read ${library}: ${gist(output)}`);
  return symbols;
}

/** Functions of the C API that the addon's sources call. Those of TF_TString are inline in the headers. */
async function called(packageFolder: string): Promise<ReadonlySet<string>> {
  const folder = join(packageFolder, "binding");
  const sources = (await readdir(folder)).filter((name) => /\.(cc|h)$/.test(name));
  const texts = await Promise.all(sources.map((name) => readFile(join(folder, name), "utf8")));
  const names = texts.flatMap((text) =>
    Array.from(text.matchAll(/\b(TFE?_[A-Z]\w*)\(/g), (found) => found[1] ?? ""),
  );
  // TF_AutoTensor and the like are classes of the binding itself.
  return new Set(names.filter((name) => !/^TF_TString_|^TFE?_Auto/.test(name)));
}

/** @throws DlcError "setup-build-failed" where the libraries lack what the binding calls; Interrupted. */
export async function checkSymbols(
  packageFolder: string,
  libraries: string,
  signal: Signal,
): Promise<void> {
  const wanted = await called(packageFolder);
  const offered = new Set<string>();
  for (const name of (await readdir(libraries)).filter((file) =>
    file.startsWith("libtensorflow_"),
  )) {
    for (const symbol of await exported(join(libraries, name), signal)) offered.add(symbol);
  }
  const missing = [...wanted].filter((name) => !offered.has(name));
  if (missing.length > 0) {
    throw buildFailed(`TensorFlow's libraries lack ${missing.slice(0, 5).join(", ")}`);
  }
}

/**
 * `deps/` as the package's binding.gyp expects it: the names with `.so.2` are those that the libraries ask
 * for when they are loaded, the plain ones those that the linker looks for. What TensorFlow looks for beside
 * itself (CUDA) is found there, too.
 */
export async function linkLibraries(packageFolder: string, place: string): Promise<void> {
  const deps = join(packageFolder, "deps");
  await rm(deps, { recursive: true, force: true });
  await mkdir(join(deps, "lib"), { recursive: true });
  const wheel = join(place, "tensorflow");
  const links: readonly (readonly [string, string])[] = [
    ["include", join(wheel, "include")],
    ["lib/libtensorflow_cc.so.2", join(wheel, "libtensorflow_cc.so.2")],
    ["lib/libtensorflow_framework.so.2", join(wheel, "libtensorflow_framework.so.2")],
    ["lib/libtensorflow.so", "libtensorflow_cc.so.2"],
    ["lib/libtensorflow_framework.so", "libtensorflow_framework.so.2"],
  ];
  for (const [name, target] of links) await symlink(target, join(deps, name));
  const cuda = join(place, "nvidia");
  if (existsSync(cuda)) await symlink(cuda, join(deps, "nvidia"));
}

/** Where Node's headers are; undefined: node-gyp downloads them. */
async function headers(signal: Signal): Promise<string | undefined> {
  if (process.env.npm_config_nodedir !== undefined) return process.env.npm_config_nodedir;
  const { outcome, output } = await runTool("npm", ["config", "get", "nodedir"], { signal });
  const lines = output.split("\n").filter((line) => line !== "" && !line.startsWith("npm "));
  const configured = outcome === "ok" ? lines.at(-1) : undefined;
  if (configured !== undefined && configured !== "undefined" && configured !== "null") {
    return configured;
  }
  const own = dirname(dirname(process.execPath));
  return existsSync(join(own, "include", "node", "node_api.h")) ? own : undefined;
}

/** Builds the addon with what `linkLibraries` made. @throws DlcError "setup-build-failed"; Interrupted. */
export async function buildAddon(packageFolder: string, signal: Signal): Promise<void> {
  const builder = createRequire(join(packageFolder, "package.json")).resolve(
    "@mapbox/node-pre-gyp/bin/node-pre-gyp",
  );
  const nodedir = await headers(signal);
  await rm(join(packageFolder, "lib"), { recursive: true, force: true });
  const { outcome, output } = await runTool(
    process.execPath,
    [builder, "install", "--build-from-source"],
    {
      cwd: packageFolder,
      env: {
        ...scriptEnvironment(packageFolder),
        ...(nodedir === undefined ? {} : { npm_config_nodedir: nodedir }),
      },
      signal,
    },
  );
  if (outcome !== "ok") throw buildFailed(gist(output, 6));
  // Objects of the compiler; what is used lies in lib/.
  for (const name of await readdir(packageFolder)) {
    if (!/^build(-tmp-.*)?$/.test(name)) continue;
    await rm(join(packageFolder, name), { recursive: true, force: true });
  }
}
