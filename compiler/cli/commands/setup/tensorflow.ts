/**
 * @file `dlc setup tensorflow`: from nothing to a binding that computes. First the package's own install,
 * which downloads TensorFlow and a prebuilt addon; where that is not possible, the addon is built against the
 * libraries of a TensorFlow wheel.
 */
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { bindingPackages, bindingVersion } from "@dlc/runtime/tensorflow-install";
import { gist, runTool } from "../../tool.js";
import { buildAddon, checkBuildTools, checkSymbols, linkLibraries } from "./build-addon.js";
import { checkSpace, isComplete, libraryFolder, prepareLibraries, spaceFor } from "./cache.js";
import { checkPip } from "./download.js";
import { doesNotRun, downloadFailed, unsupported } from "./problems.js";
import {
  checkWritable,
  findProject,
  installedBinding,
  installPackage,
  scriptEnvironment,
} from "./project.js";
import { type Kind, packageBytes, tensorflowVersion, wheelGlibc, wheels } from "./releases.js";
import { type SmokeTest, smokeTest } from "./smoke-run.js";

/** package: the install of the npm package itself; wheel: built against a TensorFlow wheel. */
export type Route = "package" | "wheel";

export interface SetupOptions {
  readonly kind: Kind;
  readonly cwd: string;
  /** null: the package's own install, then the wheel. */
  readonly route: Route | null;
  readonly wheel: string | undefined;
  /** Add it to the project's package.json. */
  readonly save: boolean;
  readonly signal: AbortSignal | undefined;
  readonly say: (line: string) => void;
}

export interface SetupResult {
  readonly engine: "tensorflow";
  /** Where it computes: cuda only where a GPU did. */
  readonly device: "cpu" | "cuda";
  readonly package: string;
  readonly packageVersion: string;
  readonly folder: string;
  readonly tensorflow: string;
  /** null: it was there and works. */
  readonly route: Route | null;
}

/** The package's own install downloads some 100 to 400 MB; a firewall may keep it waiting for ever. */
const ownInstallLimitMs = 600_000;

/** Version of the C library, where it is glibc. */
function glibc(): readonly [number, number] | null {
  const { header } = process.report.getReport() as { header?: { glibcVersionRuntime?: string } };
  const [major, minor] = (header?.glibcVersionRuntime ?? "").split(".").map(Number);
  return major === undefined || minor === undefined ? null : [major, minor];
}

/** Why no wheel fits this machine; null: one does. */
export function wheelObstacle(
  platform: string = process.platform,
  arch: string = process.arch,
  libc: readonly [number, number] | null = platform === "linux" ? glibc() : null,
): string | null {
  if (platform !== "linux" || arch !== "x64") return `this is ${platform} on ${arch}`;
  if (libc === null) return "this Linux has no glibc (Alpine and others use musl)";
  const [major, minor] = libc;
  const old = major < wheelGlibc[0] || (major === wheelGlibc[0] && minor < wheelGlibc[1]);
  return old ? `glibc is ${major}.${minor}, and ${wheelGlibc.join(".")} is needed` : null;
}

/** Is there a GPU that a GPU build should compute on? */
const hasNvidia = (): boolean => existsSync("/dev/nvidia0") || existsSync("/dev/dxg");

/** A GPU build that computes on the CPU while there is a GPU is not what was asked for. */
const isEnough = (test: SmokeTest, kind: Kind): boolean =>
  test.works && (kind === "cpu" || test.gpu || !hasNvidia());

/** The package's own install; null, or why it does not work. @throws Interrupted */
async function ownInstall(folder: string, options: SetupOptions): Promise<string | null> {
  const { kind, signal, say } = options;
  say("trying the package's own install (downloads TensorFlow; at most 10 minutes)");
  const { outcome, output } = await runTool(
    process.execPath,
    [join("scripts", "install.js"), ...(kind === "gpu" ? ["gpu"] : [])],
    { cwd: folder, env: scriptEnvironment(folder), signal, limitMs: ownInstallLimitMs },
  );
  if (outcome === "late") return "it did not end in 10 minutes";
  if (outcome !== "ok") return gist(output, 1);
  const test = await smokeTest(folder, signal);
  if (!test.works) return test.reason;
  return isEnough(test, kind) ? null : "its TensorFlow does not compute on this machine's GPU";
}

/** The folder with a wheel's libraries, and tools to build with. @throws DlcError "setup-…"; Interrupted. */
async function librariesOf({ kind, cwd, wheel, signal, say }: SetupOptions): Promise<string> {
  await checkBuildTools(signal);
  const given = wheel === undefined ? undefined : resolve(cwd, wheel);
  return prepareLibraries({ kind, wheel: given, signal, say });
}

/** The addon, built against a wheel's libraries. @throws DlcError "setup-…"; Interrupted. */
async function buildOn(place: string, folder: string, options: SetupOptions): Promise<void> {
  const { signal, say } = options;
  await checkSymbols(folder, join(place, "tensorflow"), signal);
  await linkLibraries(folder, place);
  say("building the addon (about half a minute)");
  await buildAddon(folder, signal);
}

/** @throws DlcError "setup-unsupported" for what cannot work on the platform */
export function checkPlatform(
  { kind, route, wheel }: Pick<SetupOptions, "kind" | "route" | "wheel">,
  platform: string = process.platform,
  obstacle: string | null = wheelObstacle(),
): void {
  if (obstacle !== null && (route === "wheel" || wheel !== undefined)) {
    throw unsupported(
      `no TensorFlow wheel fits: ${obstacle}`,
      "Wheels are for Linux on x64 with glibc 2.27 or later. Without --from and --wheel the package's own install is tried; the engine onnx works here without it.",
    );
  }
  if (kind === "gpu" && !["linux", "win32"].includes(platform)) {
    throw unsupported(
      `TensorFlow has no GPU build for ${platform}`,
      "It computes on NVIDIA GPUs, on Linux and Windows. See dlc doctor for the devices of this machine.",
    );
  }
}

function result(
  { kind }: SetupOptions,
  folder: string,
  test: SmokeTest & { readonly works: true },
  route: Route | null,
): SetupResult {
  return {
    engine: "tensorflow",
    device: test.gpu ? "cuda" : "cpu",
    package: bindingPackages[kind],
    packageVersion: bindingVersion,
    folder,
    tensorflow: test.version,
    route,
  };
}

/** After the package's own install failed. @throws DlcError "setup-download-failed" where wheels are no way out */
function requireWheels(name: string, route: SetupOptions["route"], failure: string): void {
  const obstacle = route === "package" ? "--from package allows nothing else" : wheelObstacle();
  if (obstacle === null) return;
  throw downloadFailed(
    `TensorFlow for ${name}`,
    `its own install does not work (${failure}), and ${obstacle}`,
    "The engine onnx works without it; dlc doctor tells what else this machine has.",
  );
}

/**
 * Makes the tensorflow engine work in the project that `cwd` is in.
 * @throws DlcError "setup-…", the system's errors for folders that cannot be written; Interrupted.
 */
export async function setupTensorflow(options: SetupOptions): Promise<SetupResult> {
  const { kind, cwd, route, save, signal, say } = options;
  const name = bindingPackages[kind];
  checkPlatform(options);
  const project = findProject(cwd);
  const there = installedBinding(project, name);
  if (there !== null && existsSync(join(there, "lib"))) {
    const test = await smokeTest(there, signal);
    if (test.works && isEnough(test, kind)) return result(options, there, test, null);
    say(`${name} is installed but does not compute; installing again`);
  }
  await checkWritable(project);
  await checkSpace(project, packageBytes);
  const tryPackage = route !== "wheel" && options.wheel === undefined;
  // What the wheel, the tools or the disk lack is found before the project is touched.
  const place = tryPackage ? null : await librariesOf(options);
  if (there === null) say(`installing ${name}@${bindingVersion} into ${project}`);
  const folder = there ?? (await installPackage(project, name, { save, signal }));

  const failure = tryPackage ? await ownInstall(folder, options) : null;
  if (failure !== null) {
    requireWheels(name, route, failure);
    say(`  not possible: ${failure}`);
  }
  if (!tryPackage || failure !== null) {
    await buildOn(place ?? (await librariesOf(options)), folder, options);
  }
  const test = await smokeTest(folder, signal);
  if (!test.works) throw doesNotRun(test.reason);
  if (!isEnough(test, kind)) {
    throw doesNotRun(`it does not find this machine's GPU. ${test.warnings}`.trimEnd());
  }
  return result(options, folder, test, tryPackage && failure === null ? "package" : "wheel");
}

export interface SetupPlan {
  readonly project: string;
  readonly steps: readonly string[];
  /** At most, where nothing is there yet. */
  readonly bytes: number;
}

/** What `setupTensorflow` would do; nothing is written or downloaded. @throws as it does */
export async function planTensorflow(options: SetupOptions): Promise<SetupPlan> {
  const { kind, cwd, route, wheel, signal } = options;
  checkPlatform(options);
  const project = findProject(cwd);
  await checkWritable(project);
  const name = bindingPackages[kind];
  const place = libraryFolder(kind);
  const kept = isComplete(place);
  const steps: string[] = [];
  if (installedBinding(project, name) === null) {
    steps.push(`install ${name}@${bindingVersion} into ${project}`);
  }
  const tryPackage = route !== "wheel" && wheel === undefined;
  if (tryPackage) steps.push("run its own install, which downloads TensorFlow");
  if (route !== "package" && wheelObstacle() === null) {
    const otherwise = tryPackage ? "where that is not possible: " : "";
    if (!tryPackage) await checkBuildTools(signal);
    if (!tryPackage && !kept && wheel === undefined) await checkPip(wheels[kind], signal);
    const source = kept
      ? `take TensorFlow ${tensorflowVersion} from`
      : `unpack ${wheel ?? wheels[kind].file} into`;
    steps.push(`${otherwise}${source} ${place}`, "build the addon against it");
  }
  steps.push("compute a matrix product");
  return {
    project,
    steps,
    bytes: packageBytes + (kept ? 0 : spaceFor(kind, wheel !== undefined)),
  };
}
