import type { CodeName } from '../codes.ts';
import { codeName, codeNumber } from '../codes.ts';

/** Answers with an error instead of doing what was asked. */
export interface ErrorAction {
  readonly error: CodeName | number;
  readonly message?: string;
  /** Produce only: the request is carried out first, and the error answered all the same. */
  readonly afterAppend?: boolean;
  /** Produce and Fetch: name the present leader in the answer (KIP-951). */
  readonly hint?: boolean;
  /** Produce only: the indexes of the records within their batch that are to blame (KIP-467). */
  readonly records?: readonly number[];
}

/** Acts that need a number or more; a rule's `then` takes them as objects. */
export type ActionObject =
  | ErrorAction
  /** Waits, then does what was asked. */
  | { readonly delayMs: number }
  /** Does what was asked, waits, then answers. */
  | { readonly delayReplyMs: number }
  /** Says so in the answer, and does not read from the connection for that long (KIP-219). */
  | { readonly throttleMs: number }
  /** Sends so many bytes of the reply, then closes. */
  | { readonly truncateAt: number }
  | { readonly trickle: { readonly bytes: number; readonly everyMs: number } }
  /** Cuts the reply into segments at these bytes. */
  | { readonly splitAt: readonly number[] }
  /** Sends so many random bytes instead of the reply. */
  | { readonly garbageBytes: number }
  /** Answers with this correlation id. */
  | { readonly correlationId: number }
  | { readonly addPartitions: number }
  /** Metadata is answered as the cluster was when the rule was made. */
  | { readonly killBroker: number }
  | { readonly call: (request: unknown) => void };

/** Acts that say all by their name. */
export type ActionName =
  /** Does what was asked; the connection breaks before the reply. */
  | 'append-then-drop-reply'
  /** The connection breaks before anything is done. */
  | 'drop-before-append'
  /** An orderly end, nothing done. */
  | 'close'
  /** A reset, nothing done. */
  | 'reset'
  /** Nothing is done, and this connection never gets an answer again. */
  | 'mute'
  /** Does what was asked, and this connection never gets an answer again. */
  | 'append-then-mute'
  /** This connection's cable is pulled: nothing passes, nobody is told. For Connect: no answer to the attempt. */
  | 'black-hole'
  /** For Connect: refuses the attempt. */
  | 'refuse'
  /** Keeps the reply back and sends it together with the next one. */
  | 'merge-replies'
  /** Keeps the reply back and sends it after the next one. */
  | 'swap-replies'
  | 'corrupt-reply'
  | 'wrong-correlation-id'
  /** The leader of each partition asked for moves first; the old one then answers as brokers do. */
  | 'move-leader'
  /** The same, and the answer names the new leader. */
  | 'move-leader-with-hint'
  /** The same, and the answer does not name it. */
  | 'move-leader-without-hint'
  | 'stale-metadata'
  | 'forget-producers'
  | 'move-coordinator'
  | 'expire-transaction'
  | 'delete-topic'
  | 'recreate-topic'
  | 'kill-broker'
  | 'replace-all-brokers';

/** All actions that have a name. */
export const actionNames: readonly ActionName[] = [
  'append-then-drop-reply',
  'drop-before-append',
  'close',
  'reset',
  'mute',
  'append-then-mute',
  'black-hole',
  'refuse',
  'merge-replies',
  'swap-replies',
  'corrupt-reply',
  'wrong-correlation-id',
  'move-leader',
  'move-leader-with-hint',
  'move-leader-without-hint',
  'stale-metadata',
  'forget-producers',
  'move-coordinator',
  'expire-transaction',
  'delete-topic',
  'recreate-topic',
  'kill-broker',
  'replace-all-brokers',
];

/** What a rule does: by name, or as an object where it needs more. */
export type Action = ActionName | ActionObject;

/** A sentence that is no rule; the message says what could stand there. */
export class FaultSyntaxError extends Error {
  override readonly name = 'FaultSyntaxError';
}

const number = '(\\d+(?:\\.\\d+)?)';
const forms: readonly [RegExp, (match: RegExpExecArray) => Action][] = [
  [new RegExp(`^delay ${number} ms$`), (m) => ({ delayMs: Number(m[1]) })],
  [new RegExp(`^delay the reply ${number} ms$`), (m) => ({ delayReplyMs: Number(m[1]) })],
  [new RegExp(`^throttle ${number} ms$`), (m) => ({ throttleMs: Number(m[1]) })],
  [/^truncate the reply at byte (\d+)$/, (m) => ({ truncateAt: Number(m[1]) })],
  [/^truncate at (\d+)$/, (m) => ({ truncateAt: Number(m[1]) })],
  [
    new RegExp(`^trickle (\\d+) bytes? every ${number} ms$`),
    (m) => ({ trickle: { bytes: Number(m[1]), everyMs: Number(m[2]) } }),
  ],
  [/^split the reply at bytes? (\d+(?: and \d+)*)$/, (m) => ({ splitAt: m[1]!.split(' and ').map(Number) })],
  [/^garbage of (\d+) bytes$/, (m) => ({ garbageBytes: Number(m[1]) })],
  [/^correlation id (-?\d+)$/, (m) => ({ correlationId: Number(m[1]) })],
  [/^add (\d+) partitions?$/, (m) => ({ addPartitions: Number(m[1]) })],
  [/^kill broker (\d+)$/, (m) => ({ killBroker: Number(m[1]) })],
  [
    /^(append then )?error (\S+)( with hint| without hint)?( for records? (\d+(?: and \d+)*))?(?: saying "([^"]*)")?$/,
    errorForm,
  ],
];

function errorForm(m: RegExpExecArray): Action {
  const code = codeNumber(m[2]!);
  if (code === undefined) throw new FaultSyntaxError(`there is no error code called "${m[2]}"`);
  return {
    error: code,
    ...(m[1] === undefined ? {} : { afterAppend: true }),
    ...(m[3] === undefined ? {} : { hint: m[3] === ' with hint' }),
    ...(m[5] === undefined ? {} : { records: m[5].split(' and ').map(Number) }),
    ...(m[6] === undefined ? {} : { message: m[6] }),
  };
}

/** Reads an act as `String(rule)` prints it: `error NOT_LEADER_OR_FOLLOWER with hint`, `delay 200 ms`, `close`. */
export function parseAction(text: string): Action {
  const trimmed = text.trim();
  if ((actionNames as readonly string[]).includes(trimmed)) return trimmed as ActionName;
  for (const [pattern, make] of forms) {
    const match = pattern.exec(trimmed);
    if (match !== null) return make(match);
  }
  throw new FaultSyntaxError(
    `"${trimmed}" is no act of a rule: try ${actionNames.slice(0, 4).join(', ')}, "error NAME", "delay 100 ms" and the like`,
  );
}

/** The inverse of `parseAction`. */
export function printAction(action: Action): string {
  if (typeof action === 'string') return action;
  if ('error' in action) return printError(action);
  if ('delayMs' in action) return `delay ${action.delayMs} ms`;
  if ('delayReplyMs' in action) return `delay the reply ${action.delayReplyMs} ms`;
  if ('throttleMs' in action) return `throttle ${action.throttleMs} ms`;
  if ('truncateAt' in action) return `truncate the reply at byte ${action.truncateAt}`;
  if ('trickle' in action) {
    const { bytes, everyMs } = action.trickle;
    return `trickle ${bytes} ${bytes === 1 ? 'byte' : 'bytes'} every ${everyMs} ms`;
  }
  if ('splitAt' in action)
    return `split the reply at ${action.splitAt.length === 1 ? 'byte' : 'bytes'} ${action.splitAt.join(' and ')}`;
  if ('garbageBytes' in action) return `garbage of ${action.garbageBytes} bytes`;
  if ('correlationId' in action) return `correlation id ${action.correlationId}`;
  if ('addPartitions' in action)
    return `add ${action.addPartitions} ${action.addPartitions === 1 ? 'partition' : 'partitions'}`;
  if ('killBroker' in action) return `kill broker ${action.killBroker}`;
  return `call ${action.call.name || 'a function'}`;
}

function printError(action: ErrorAction): string {
  const code = codeNumber(action.error);
  let text = `${action.afterAppend ? 'append then ' : ''}error ${code === undefined ? action.error : codeName(code)}`;
  if (action.hint !== undefined) text += action.hint ? ' with hint' : ' without hint';
  if (action.records !== undefined && action.records.length > 0) {
    text += ` for ${action.records.length === 1 ? 'record' : 'records'} ${action.records.join(' and ')}`;
  }
  return action.message === undefined ? text : `${text} saying "${action.message}"`;
}
