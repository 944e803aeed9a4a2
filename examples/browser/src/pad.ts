/** @file Drawing a digit, and making of it what MNIST has: 28 × 28 pixels, the digit in the middle. */

export interface Pad {
  /** The drawing as MNIST would have it; null while there is none. */
  read(): Uint8Array<ArrayBuffer> | null;
  clear(): void;
}

const size = 28;
/** MNIST fits digits into a square of 20 pixels and puts their centre of mass into the middle. */
const box = 20;

/** Calls `changed` with every stroke. */
export function createPad(canvas: HTMLCanvasElement, changed: () => void): Pad {
  const context = canvas.getContext("2d", { willReadFrequently: true });
  if (context === null) throw new Error("this browser has no canvas");
  let last: { readonly x: number; readonly y: number } | null = null;

  function place({ clientX, clientY }: PointerEvent): { x: number; y: number } {
    const { left, top, width } = canvas.getBoundingClientRect();
    const scale = canvas.width / width;
    return { x: (clientX - left) * scale, y: (clientY - top) * scale };
  }

  function stroke(event: PointerEvent): void {
    if (last === null || context === null) return;
    const next = place(event);
    context.strokeStyle = "#fff";
    context.lineCap = "round";
    context.lineWidth = canvas.width / 13;
    context.beginPath();
    context.moveTo(last.x, last.y);
    context.lineTo(next.x, next.y);
    context.stroke();
    last = next;
    changed();
  }

  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    last = place(event);
    stroke(event);
  });
  canvas.addEventListener("pointermove", stroke);
  canvas.addEventListener("pointerup", () => {
    last = null;
  });

  return {
    read: () => toDigit(canvas, context),
    clear() {
      context.clearRect(0, 0, canvas.width, canvas.height);
    },
  };
}

/** Where there is ink: alpha, 0 … 255, row by row. */
const alpha = (context: CanvasRenderingContext2D, width: number, height: number): Uint8Array =>
  context
    .getImageData(0, 0, width, height)
    .data.filter((_, i) => i % 4 === 3) as never as Uint8Array;

function toDigit(
  canvas: HTMLCanvasElement,
  context: CanvasRenderingContext2D,
): Uint8Array<ArrayBuffer> | null {
  const { width, height } = canvas;
  const ink = alpha(context, width, height);
  let [left, right, top, bottom] = [width, 0, height, 0];
  ink.forEach((value, i) => {
    if (value === 0) return;
    left = Math.min(left, i % width);
    right = Math.max(right, (i % width) + 1);
    top = Math.min(top, Math.floor(i / width));
    bottom = Math.max(bottom, Math.floor(i / width) + 1);
  });
  if (right === 0) return null;

  const small = document.createElement("canvas");
  small.width = small.height = size;
  const target = small.getContext("2d", { willReadFrequently: true });
  if (target === null) return null;
  const scale = box / Math.max(right - left, bottom - top);
  const draw = (x: number, y: number): void => {
    target.clearRect(0, 0, size, size);
    target.imageSmoothingQuality = "high";
    const [w, h] = [right - left, bottom - top];
    target.drawImage(canvas, left, top, w, h, x, y, w * scale, h * scale);
  };
  const x = (size - (right - left) * scale) / 2;
  const y = (size - (bottom - top) * scale) / 2;
  draw(x, y);
  let [mass, massX, massY] = [0, 0, 0];
  alpha(target, size, size).forEach((value, i) => {
    mass += value;
    massX += value * (i % size);
    massY += value * Math.floor(i / size);
  });
  const middle = (size - 1) / 2;
  draw(x + middle - massX / mass, y + middle - massY / mass);
  return new Uint8Array(alpha(target, size, size));
}
