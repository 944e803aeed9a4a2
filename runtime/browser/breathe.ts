/** @file Leaving a page its turn while a model computes. */

/** Milliseconds after which others get their turn: about a frame. */
const patience = 12;

interface Channel {
  readonly port1: { onmessage: (() => void) | null; close(): void };
  readonly port2: { postMessage(message: null): void };
}

/** Ends the current task; resolves in the next one. Unlike those of setTimeout, it is not delayed. */
function nextTask(): Promise<void> {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel() as unknown as Channel;
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(null);
  });
}

/** To be called often: lets the page handle its events when it has waited for a while. */
export function createBreathe(): () => Promise<void> {
  let last = performance.now();
  return async () => {
    if (performance.now() - last < patience) return;
    await nextTask();
    last = performance.now();
  };
}
