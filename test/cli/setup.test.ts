/**
 * @file `dlc setup tensorflow` with stand-ins for npm, pip, the compiler and the binding: what it does in
 * which order, what it leaves behind, and what it says of everything that may be missing. The real thing is
 * set up and used by `.ci/run`.
 */
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { wheelObstacle } from "../../compiler/cli/commands/setup/tensorflow.js";
import { dlc, documents, start, workFolder, write } from "../support/cli.js";
import { wheelFiles, wheelOf } from "../support/wheel.js";

const folder = workFolder();
let made = 0;

const name = "@tensorflow/tfjs-node";
const version = "4.22.0";

/** A binding in JavaScript: it computes if `lib/` was built, and its own install fails unless it is told otherwise. */
const binding = (own: string, product: string): Readonly<Record<string, string>> => ({
  "package.json": JSON.stringify({ name, version, main: "index.js" }),
  "scripts/install.js": own,
  "binding/api.cc": "TF_Version(); TF_TString_Init(x); TF_AutoStatus(y);",
  "index.js": `
    require("node:fs").accessSync(__dirname + "/lib/built");
    module.exports = {
      tensor2d: () => ({ matMul: () => ({ dataSync: () => [${product}] }) }),
      backend: () => ({ binding: { TF_Version: "2.21.0" }, isUsingGpuDevice: false }),
    };`,
  "node_modules/@mapbox/node-pre-gyp/package.json": "{}",
  "node_modules/@mapbox/node-pre-gyp/bin/node-pre-gyp": `
    const fs = require("node:fs");
    fs.readFileSync("deps/lib/libtensorflow.so");
    fs.readFileSync("deps/include/tensorflow/c/c_api.h");
    if (process.env.FAKE_BUILD === "fails") { console.error("gyp ERR! error: no luck"); process.exit(1); }
    fs.mkdirSync("lib", { recursive: true });
    fs.writeFileSync("lib/built", "");`,
});

interface Machine {
  /** What npm does: the files of the package, or an error. */
  readonly npm?: "installs" | "fails" | "missing";
  readonly own?: string;
  readonly product?: string;
  /** What pip does. */
  readonly pip?: "fails" | "missing" | "hangs" | "damaged";
  /** Symbols that nm lists. */
  readonly symbols?: string;
  readonly compiler?: "missing";
  readonly packageJson?: string | null;
}

const ownFails = 'console.error("Error: getaddrinfo ENOTFOUND example"); process.exit(1);';

/** A project with a PATH of stand-ins, and a wheel. */
function machine(options: Machine = {}) {
  const { npm = "installs", own = ownFails, product = "7, 10, 15, 22" } = options;
  const root = join(folder, `${made++}`);
  const project = join(root, "project");
  const tools = join(root, "tools");
  mkdirSync(project, { recursive: true });
  if (options.packageJson !== null) write(project, "package.json", options.packageJson ?? "{}");
  for (const [path, text] of Object.entries(binding(own, product))) {
    write(root, join("package", path), text);
  }
  const tool = (command: string, script: string): void =>
    chmodSync(write(tools, command, `#!/bin/sh\n${script}\n`), 0o755);
  for (const command of ["sh", "cp", "mkdir", "sleep"]) {
    const found = (process.env.PATH ?? "")
      .split(delimiter)
      .map((path) => join(path, command))
      .find(existsSync);
    mkdirSync(tools, { recursive: true });
    symlinkSync(found as string, join(tools, command));
  }
  const install = `if [ "$1" = config ]; then echo undefined; exit 0; fi
    echo "$@" > ${join(root, "npm-arguments")}
    mkdir -p node_modules/@tensorflow && cp -r ${join(root, "package")} node_modules/${name}`;
  if (npm !== "missing")
    tool("npm", npm === "fails" ? "echo 'npm error code E404'; exit 1" : install);
  if (options.compiler !== "missing") tool("g++", "exit 0");
  tool("make", "exit 0");
  tool("nm", `echo "0000 T ${options.symbols ?? "TF_Version"}"`);
  const pips: Readonly<Record<string, string>> = {
    fails: "echo 'ERROR: No matching distribution found' >&2; exit 1",
    missing: "exit 1",
    hangs: "sleep 10",
    damaged: `shift $(($# - 2)); echo broken > $1/tensorflow_cpu-2.21.0-cp311-cp311-manylinux_2_27_x86_64.whl`,
  };
  tool(
    "python3",
    `if [ "$1" = --version ]; then exit 0; fi
     if [ "$3" = --version ]; then ${options.pip === "missing" ? "exit 1" : "exit 0"}; fi
     ${pips[options.pip ?? "fails"]}`,
  );
  const wheel = write(root, "own.whl", wheelOf(wheelFiles));
  const cache = join(root, "cache");
  const env = { PATH: tools, XDG_CACHE_HOME: cache, CXX: "g++", npm_config_nodedir: "/usr" };
  return {
    root,
    project,
    wheel,
    run: { cwd: project, env },
    libraries: join(cache, "dlc", "tensorflow"),
    setup: (...args: string[]) => dlc(["setup", "tensorflow", ...args], { cwd: project, env }),
  };
}

const supported = wheelObstacle() === null;

describe.runIf(supported)("setup tensorflow", () => {
  it("builds against a wheel where the package's own install fails, and is quick when all is there", async () => {
    const { setup, wheel, project, libraries, root } = machine();
    const first = await setup("--from", "auto", "--wheel", wheel);
    expect(first.code, first.stderr).toBe(0);
    expect(first.stdout).toMatch(
      /^tensorflow:cpu works: TensorFlow 2\.21\.0, .*built against its wheel/,
    );
    const arguments_ = readFileSync(join(root, "npm-arguments"), "utf8");
    expect(arguments_).toMatch(
      /^install --ignore-scripts .*--save-optional --save-exact .*@4\.22\.0$/m,
    );
    expect(readdirSync(libraries)).toEqual(["2.21.0-cpu"]);
    const linked = join(project, "node_modules", name, "deps/lib/libtensorflow_cc.so.2");
    expect(readFileSync(linked, "utf8")).toBe(wheelFiles[0]?.content);

    const again = await setup("--json");
    expect(again).toMatchObject({ code: 0, stderr: "" });
    expect(documents(again.stdout)).toMatchObject([
      { engine: "tensorflow", device: "cpu", tensorflow: "2.21.0", route: null },
    ]);
  });

  it("tries the package's own install first, and is content with it", async () => {
    const own =
      'require("node:fs").mkdirSync("lib"); require("node:fs").writeFileSync("lib/built", "");';
    const { setup, libraries } = machine({ own });
    const { code, stdout, stderr } = await setup();
    expect(code, stderr).toBe(0);
    expect(stdout).toMatch(/as its package installs it/);
    expect(existsSync(libraries)).toBe(false);
  });

  it("uses the libraries that are there in other projects, without a wheel", async () => {
    const first = machine();
    await first.setup("--wheel", first.wheel);
    write(first.root, "other/package.json", "{}");
    const other = join(first.root, "other");
    const { code, stderr } = await dlc(["setup", "tensorflow", "--no-save"], {
      ...first.run,
      cwd: other,
    });
    expect(code, stderr).toBe(0);
    expect(readFileSync(join(first.root, "npm-arguments"), "utf8")).toMatch(/--no-save/);
  });

  it("tells what it would do, and does nothing, with --dry-run", async () => {
    const { setup, project, libraries } = machine();
    const { code, stdout } = await setup("--dry-run");
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /^1\. install .*\n2\. .*\n3\. where that is not possible: unpack .*\n4\. build/,
    );
    const [plan] = documents((await setup("--dry-run", "--json")).stdout);
    expect(plan).toMatchObject({ dryRun: true, project, bytes: expect.any(Number) });
    expect(readdirSync(project)).toEqual(["package.json"]);
    expect(existsSync(libraries)).toBe(false);
  });

  const wheelRoute = ["--from", "wheel"];
  it.each<[string, Machine, readonly string[], number, RegExp]>([
    ["setup-no-project", { packageJson: null }, [], 2, /npm init -y/],
    ["setup-tool-missing", { npm: "missing" }, [], 5, /^error \S+ npm is missing/],
    [
      "setup-tool-missing",
      { compiler: "missing" },
      wheelRoute,
      5,
      /g\+\+ is missing(.|\n)*apt-get install g\+\+/,
    ],
    ["setup-tool-missing", { pip: "missing" }, wheelRoute, 5, /pip(.|\n)*--wheel <file>/],
    ["setup-download-failed", { npm: "fails" }, [], 5, /E404/],
    [
      "setup-download-failed",
      { pip: "fails" },
      [],
      5,
      /No matching distribution(.|\n)*--wheel <file>/,
    ],
    ["setup-download-failed", {}, ["--from", "package"], 5, /ENOTFOUND/],
    [
      "setup-wheel-damaged",
      { pip: "damaged" },
      [],
      74,
      /SHA-256 is [0-9a-f]{64}, and [0-9a-f]{64} is published/,
    ],
    ["setup-build-failed", { symbols: "TF_Other" }, ["--wheel", "WHEEL"], 5, /lack TF_Version/],
    ["setup-does-not-run", { product: "7, 10, 15, 23" }, ["--wheel", "WHEEL"], 5, /7,10,15,23/],
    ["bad-command-line", {}, ["--from", "package", "--wheel", "WHEEL"], 2, /--wheel/],
    ["io-error", {}, ["--wheel", "gone.whl"], 74, /gone\.whl: there is no such file/],
  ])("reports %s for %j %j", async (problem, options, args, exit, words) => {
    const { setup, wheel, libraries } = machine(options);
    const { code, stdout, stderr } = await setup(...args.map((arg) => arg.replace("WHEEL", wheel)));
    const told = stderr.slice(stderr.indexOf("error "));
    expect(told).toMatch(new RegExp(`^error ${problem}: `));
    expect(told).toMatch(words);
    expect(told).toMatch(/^ {2}help: /m);
    expect({ code, stdout }).toEqual({ code: exit, stdout: "" });
    // What was not finished has left nothing.
    const left = existsSync(libraries) ? readdirSync(libraries) : [];
    expect(left.filter((file) => file.includes("tmp"))).toEqual([]);
  });

  it("says what the compiler says where the addon does not build", async () => {
    const { run, wheel } = machine();
    const { code, stderr } = await dlc(["setup", "tensorflow", "--wheel", wheel], {
      ...run,
      env: { ...run.env, FAKE_BUILD: "fails" },
    });
    expect(code).toBe(5);
    expect(stderr).toMatch(/^error setup-build-failed: .*no luck/m);
  });

  it("ends with its tools when it is interrupted, and works afterwards", async () => {
    const { run, setup, wheel, libraries } = machine({ pip: "hangs" });
    const { child, outcome, seen } = start(["setup", "tensorflow"], run);
    await seen(/downloading/);
    child.kill("SIGINT");
    const { code, stderr } = await outcome;
    expect(code, stderr).toBe(130);
    expect(stderr).toMatch(/Interrupted/);
    expect(readdirSync(libraries)).toEqual([]);
    expect((await setup("--wheel", wheel)).code).toBe(0);
  });

  it("removes what a setup left that was killed", async () => {
    const { run, setup, wheel, libraries } = machine({ pip: "hangs" });
    const { child, outcome, seen } = start(["setup", "tensorflow"], run);
    await seen(/downloading/);
    child.kill("SIGKILL");
    await outcome;
    expect(readdirSync(libraries)).toEqual([expect.stringMatching(/\.tmp-\d+$/)]);
    expect((await setup("--wheel", wheel)).code).toBe(0);
    expect(readdirSync(libraries)).toEqual(["2.21.0-cpu"]);
  });
});

it("refuses to set up what needs no setup", async () => {
  const { code, stderr } = await dlc(["setup", "onnx"], { cwd: dirname(folder) });
  expect(code).toBe(2);
  expect(stderr).toMatch(/^error bad-command-line: .*'onnx'/);
});
