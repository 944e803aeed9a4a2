/** @file Did-you-mean, which the compiler shares with the runtime. */
export { suggest } from "@dlc/runtime/suggest";
