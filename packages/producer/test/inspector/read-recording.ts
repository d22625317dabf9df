import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FeedMessage, Frame, Hello, Step } from '../../src/inspector/index.ts';

/** A place for a recording, which goes with the test. */
export function recordingPlace(): { path: string; [Symbol.dispose](): void } {
  const folder = mkdtempSync(join(tmpdir(), 'kiel-recording-'));
  return {
    path: join(folder, 'session.ndjson'),
    [Symbol.dispose]: () => rmSync(folder, { recursive: true }),
  };
}

export function readRecording(path: string): { hello: Hello; frames: Frame[]; steps: Step[] } {
  const messages = readFileSync(path, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as FeedMessage);
  const frames = messages.filter((message) => message.kind === 'frame');
  return { hello: messages[0] as Hello, frames, steps: frames.flatMap(({ steps }) => steps) };
}
