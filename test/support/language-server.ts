/** @file A client for a language server over stdio: as much of the protocol as tests need. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";

interface Message {
  readonly id?: number;
  readonly method?: string;
  readonly params?: unknown;
  readonly result?: unknown;
  readonly error?: { readonly message: string };
}

interface Waiting {
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: Error) => void;
}

export class LanguageServer {
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, Waiting>();
  readonly #listeners: ((message: Message) => void)[] = [];
  #received = Buffer.alloc(0);
  #id = 0;

  constructor(script: string) {
    this.#child = spawn(process.execPath, [script, "--stdio"], {
      stdio: ["pipe", "pipe", "ignore"],
    });
    this.#child.stdout?.on("data", (data: Buffer) => this.#read(data));
  }

  request(method: string, params: unknown): Promise<unknown> {
    const id = ++this.#id;
    const answer = new Promise<unknown>((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
    });
    this.#send({ id, method, params });
    return answer;
  }

  notify(method: string, params: unknown): void {
    this.#send({ method, params });
  }

  /** The parameters of the next notification of this kind. */
  next(method: string): Promise<unknown> {
    return new Promise((resolve) => {
      this.#listeners.push((message) => {
        if (message.method === method) resolve(message.params);
      });
    });
  }

  async stop(): Promise<void> {
    this.#child.kill();
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      await once(this.#child, "exit");
    }
  }

  #send(message: Message): void {
    const body = Buffer.from(JSON.stringify({ jsonrpc: "2.0", ...message }));
    this.#child.stdin?.write(`Content-Length: ${body.length}\r\n\r\n`);
    this.#child.stdin?.write(body);
  }

  #read(data: Buffer): void {
    this.#received = Buffer.concat([this.#received, data]);
    for (;;) {
      const headerEnd = this.#received.indexOf("\r\n\r\n");
      if (headerEnd < 0) return;
      const header = this.#received.subarray(0, headerEnd).toString();
      const length = Number(/Content-Length: (\d+)/i.exec(header)?.[1]);
      const end = headerEnd + 4 + length;
      if (this.#received.length < end) return;
      const body = this.#received.subarray(headerEnd + 4, end).toString();
      this.#received = this.#received.subarray(end);
      this.#receive(JSON.parse(body) as Message);
    }
  }

  #receive(message: Message): void {
    if (message.method !== undefined && message.id !== undefined) {
      // The server asks for settings and registrations: it gets none.
      const items = (message.params as { items?: readonly unknown[] } | undefined)?.items;
      this.#send({ id: message.id, result: items === undefined ? null : items.map(() => null) });
      return;
    }
    for (const listener of this.#listeners) listener(message);
    const waiting = this.#waiting.get(message.id ?? -1);
    if (waiting === undefined) return;
    this.#waiting.delete(message.id ?? -1);
    if (message.error === undefined) waiting.resolve(message.result);
    else waiting.reject(new Error(message.error.message));
  }
}
