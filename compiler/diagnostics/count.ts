/** @file How messages count, which the compiler shares with the runtime. */
export { count } from "@dlc/runtime/errors";
