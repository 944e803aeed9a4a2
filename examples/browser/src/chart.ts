/** @file A chart of loss and accuracy as training goes. */

interface Point {
  readonly step: number;
  readonly loss: number;
  readonly accuracy: number;
}

export interface Chart {
  /** Of a training batch. */
  step(point: Point): void;
  /** Of the validation digits, at the end of an epoch. */
  epoch(point: Point): void;
  clear(): void;
}

const margin = { left: 40, right: 44, top: 10, bottom: 22 };

export function createChart(canvas: HTMLCanvasElement): Chart {
  const lines: Point[] = [];
  const dots: Point[] = [];
  let waiting = false;

  function draw(): void {
    waiting = false;
    const { clientWidth: width, clientHeight: height } = canvas;
    const scale = devicePixelRatio;
    canvas.width = width * scale;
    canvas.height = height * scale;
    const context = canvas.getContext("2d");
    if (context === null) return;
    context.scale(scale, scale);
    context.font = "12px system-ui, sans-serif";
    const style = getComputedStyle(canvas);
    const color = (name: string): string => style.getPropertyValue(`--${name}`);

    const all = [...lines, ...dots];
    const lastStep = Math.max(10, ...all.map(({ step }) => step));
    const most = Math.max(0.5, ...all.map(({ loss }) => loss));
    const x = (step: number): number =>
      margin.left + (step / lastStep) * (width - margin.left - margin.right);
    const y = (share: number): number =>
      height - margin.bottom - share * (height - margin.top - margin.bottom);

    for (const share of [0, 0.25, 0.5, 0.75, 1]) {
      context.strokeStyle = color("line");
      context.beginPath();
      context.moveTo(margin.left, y(share));
      context.lineTo(width - margin.right, y(share));
      context.stroke();
      context.textBaseline = "middle";
      context.textAlign = "right";
      context.fillStyle = color("loss");
      context.fillText((share * most).toFixed(1), margin.left - 6, y(share));
      context.textAlign = "left";
      context.fillStyle = color("accuracy");
      context.fillText(`${share * 100} %`, width - margin.right + 6, y(share));
    }
    context.fillStyle = color("soft");
    context.textAlign = "right";
    context.fillText(`step ${lastStep}`, width - margin.right, height - 8);

    const series = [
      { name: "loss", share: ({ loss }: Point) => loss / most },
      { name: "accuracy", share: ({ accuracy }: Point) => accuracy },
    ];
    for (const { name, share } of series) {
      context.strokeStyle = context.fillStyle = color(name);
      context.lineWidth = 2;
      context.lineJoin = "round";
      context.beginPath();
      for (const point of lines) context.lineTo(x(point.step), y(share(point)));
      context.stroke();
      for (const point of dots) {
        context.beginPath();
        context.arc(x(point.step), y(share(point)), 4, 0, 2 * Math.PI);
        context.fill();
      }
    }
  }

  function redraw(): void {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(draw);
  }

  new ResizeObserver(redraw).observe(canvas);
  return {
    step(point) {
      lines.push(point);
      redraw();
    },
    epoch(point) {
      dots.push(point);
      redraw();
    },
    clear() {
      lines.length = 0;
      dots.length = 0;
      redraw();
    },
  };
}
