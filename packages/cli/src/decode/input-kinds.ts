import { sideKinds } from '../segment/side-file.ts';

/** What can be decoded. In a file without imports of weight, since `--help` names them. */
export const inputKinds = ['capture', 'stream', 'segment', ...sideKinds, 'request', 'response'] as const;
export type InputKind = (typeof inputKinds)[number];
