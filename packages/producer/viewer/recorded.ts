import type { FeedMessage, Frame, Hello } from '../src/inspector/feed-format.ts';
import { byId, el, setText } from './dom.ts';
import { clock, duration } from './format.ts';
import { toneOf } from './tones.ts';

/** Frames that are shown of a longer recording: more would not fit into a page's memory. */
const mostFrames = 200_000;
/** Frames before the chosen moment that charts and log are made of. */
const framesBefore = 1300;
/** States that are marked on the track of the slider. */
const marked = ['healing', 'closing', 'closed'];

export interface Session {
  readonly hello: Hello;
  readonly frames: readonly Frame[];
  /** The file holds more. */
  readonly isCut: boolean;
  /** Lines that could not be read: the last one, if the process was killed. */
  readonly damaged: number;
}

/** Reads a recording line by line while it comes. */
export async function loadSession(progress: (share: number) => void): Promise<Session> {
  const response = await fetch('session');
  if (!response.ok || response.body === null) throw new Error(`the recording cannot be read: ${await response.text()}`);
  const total = Number(response.headers.get('content-length') ?? 0);
  const frames: Frame[] = [];
  let hello: Hello | null = null;
  let damaged = 0;
  let isCut = false;
  let rest = '';
  let read = 0;
  const take = (line: string) => {
    if (line.trim() === '') return;
    try {
      const message = JSON.parse(line) as FeedMessage;
      if (message.kind === 'hello') hello ??= message;
      else if (message.kind === 'past') frames.push(...message.frames);
      else if (frames.length < mostFrames) frames.push(message);
      else isCut = true;
    } catch {
      damaged++;
    }
  };
  const decoder = new TextDecoder();
  const reader = response.body.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    read += value.length;
    rest += decoder.decode(value, { stream: true });
    const lines = rest.split('\n');
    rest = lines.pop()!;
    for (const line of lines) take(line);
    progress(total === 0 ? 0 : read / total);
  }
  take(rest);
  if (hello === null) throw new Error('this is no recording of a producer');
  return { hello, frames, isCut, damaged };
}

/** The time slider: shows any moment of a session, and lets it run. */
export class Player {
  readonly #session: Session;
  readonly #show: (frames: readonly Frame[]) => void;
  readonly #advance: (frame: Frame) => void;
  readonly #slider = byId<HTMLInputElement>('time');
  readonly #play = byId<HTMLButtonElement>('play');
  readonly #speed = byId<HTMLSelectElement>('speed');
  #at = 0;
  #timer: ReturnType<typeof setTimeout> | null = null;

  /**
   * @param show - shows the last of these frames, and what led to it.
   * @param advance - shows the next one.
   */
  constructor(session: Session, show: (frames: readonly Frame[]) => void, advance: (frame: Frame) => void) {
    this.#session = session;
    this.#show = show;
    this.#advance = advance;
    const last = session.frames.length - 1;
    this.#slider.max = String(Math.max(0, last));
    this.#slider.addEventListener('input', () => {
      this.stop();
      this.seek(Number(this.#slider.value));
    });
    this.#play.addEventListener('click', () => {
      if (this.#timer !== null) this.stop();
      else this.#start();
    });
    byId('player').hidden = false;
    this.#mark();
    this.seek(last);
  }

  seek(index: number): void {
    const { frames } = this.#session;
    this.#at = Math.max(0, Math.min(frames.length - 1, index));
    this.#show(frames.slice(Math.max(0, this.#at - framesBefore), this.#at + 1));
    this.#tell();
  }

  stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    setText(this.#play, 'Play');
  }

  #start(): void {
    if (this.#at >= this.#session.frames.length - 1) this.seek(0);
    setText(this.#play, 'Stop');
    this.#next();
  }

  #next(): void {
    const { frames } = this.#session;
    const next = frames[this.#at + 1];
    if (next === undefined) {
      this.stop();
      return;
    }
    const waitMs = Math.min(2000, next.at - frames[this.#at]!.at) / Number(this.#speed.value);
    this.#timer = setTimeout(() => {
      this.#at++;
      this.#advance(next);
      this.#tell();
      this.#next();
    }, waitMs);
  }

  #tell(): void {
    const { frames, hello } = this.#session;
    const frame = frames[this.#at];
    if (frame === undefined) return;
    this.#slider.value = String(this.#at);
    const text = `${clock(frame.at)} · ${duration(frame.at - hello.at)} of ${duration(frames.at(-1)!.at - hello.at)}`;
    setText(byId('time-text'), text);
    this.#slider.setAttribute('aria-valuetext', text);
  }

  /** Where the slider goes through trouble. */
  #mark(): void {
    const { frames } = this.#session;
    const strip = byId('track-strip');
    let from = -1;
    let state = '';
    const end = (until: number) => {
      if (from < 0) return;
      const piece = el('i', { 'data-tone': toneOf('producer', state), 'data-state': state });
      piece.style.left = `${(from / Math.max(1, frames.length)) * 100}%`;
      piece.style.width = `${((until - from) / Math.max(1, frames.length)) * 100}%`;
      strip.append(piece);
      from = -1;
    };
    frames.forEach((frame, index) => {
      const found = marked.find((name) => (frame.spent[name] ?? 0) > 0) ?? '';
      if (found === state && from >= 0) return;
      end(index);
      state = found;
      if (found !== '') from = index;
    });
    end(frames.length);
  }
}
