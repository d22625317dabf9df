import type { Output } from './output.ts';
import { displayWidth } from './table.ts';

export interface Progress {
  /** 0 to 1, or null where the whole is not known. */
  readonly fraction: number | null;
  /** What stands beside the bar. */
  readonly text: string;
}

const FRAME_MS = 100;
const BLOCKS = ' ▏▎▍▌▋▊▉█';

/**
 * One line at the foot of a terminal, drawn over itself. Does nothing at all where the output is not a
 * terminal, so that nothing of it lands in a pipe or a log.
 */
export class ProgressLine {
  readonly #output: Output;
  readonly #read: () => Progress;
  readonly #timer: NodeJS.Timeout | undefined;
  #shown = false;

  constructor(output: Output, read: () => Progress, enabled = true) {
    this.#output = output;
    this.#read = read;
    if (!enabled || !output.isTerminal) return;
    this.#timer = setInterval(() => this.#draw(), FRAME_MS);
    this.#timer.unref();
    this.#draw();
  }

  /** Writes a line above the bar. */
  note(text: string, output: Output = this.#output): void {
    this.#clear();
    output.line(text);
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#clear();
  }

  #draw(): void {
    const { fraction, text } = this.#read();
    const line = fraction === null ? text : `${bar(fraction, 24)} ${percent(fraction)}  ${text}`;
    this.#output.write('\r' + cut(line, this.#output.columns - 1) + '\x1b[K');
    this.#shown = true;
  }

  #clear(): void {
    if (this.#shown) this.#output.write('\r\x1b[K');
    this.#shown = false;
  }
}

export function bar(fraction: number, width: number): string {
  const eighths = Math.round(Math.min(1, Math.max(0, fraction)) * width * 8);
  const full = Math.floor(eighths / 8);
  const rest = full < width ? BLOCKS[eighths % 8]! : '';
  return '▕' + ('█'.repeat(full) + rest).padEnd(width) + '▏';
}

function percent(fraction: number): string {
  // Never 100 before the end.
  return `${Math.floor(Math.min(1, fraction) * 100)} %`.padStart(5);
}

function cut(text: string, width: number): string {
  if (displayWidth(text) <= width) return text;
  let short = text;
  while (short !== '' && displayWidth(short) > width - 1) short = short.slice(0, -1);
  return short + '…';
}
