import { randomBytes } from 'node:crypto';
import type { SaslExchange, SaslStep } from '../session.ts';

interface ClientFirst {
  readonly nonce: string;
  readonly text: string;
}

type Answer = (client: ClientFirst) => Uint8Array | string;

const salt = () => randomBytes(16).toString('base64');
const nonceAfter = ({ nonce }: ClientFirst) => `${nonce}${randomBytes(12).toString('base64url')}`;
const first = (client: ClientFirst) => `r=${nonceAfter(client)},s=${salt()},i=4096`;

/** First answers that a client must not accept, each wrong in one way. */
const firsts = {
  empty: () => '',
  'only-commas': () => ',,,,',
  'not-utf8': (client) => Buffer.concat([Buffer.from(first(client)), Buffer.from([0xc3, 0x28])]),
  'zero-byte': (client) => `${first(client)}\0`,
  enormous: (client) => `${first(client)},x=${'y'.repeat(1 << 20)}`,
  'nonce-of-another': () => `r=${randomBytes(36).toString('base64url')},s=${salt()},i=4096`,
  'nonce-not-continued': ({ nonce }) => `r=${nonce},s=${salt()},i=4096`,
  'nonce-cut': ({ nonce }) => `r=${nonce.slice(0, -1)},s=${salt()},i=4096`,
  'nonce-unprintable': (client) => `r=${nonceAfter(client)}\x7f,s=${salt()},i=4096`,
  'nonce-missing': () => `s=${salt()},i=4096`,
  'salt-missing': (client) => `r=${nonceAfter(client)},i=4096`,
  'salt-empty': (client) => `r=${nonceAfter(client)},s=,i=4096`,
  'salt-not-base64': (client) => `r=${nonceAfter(client)},s=!!!!,i=4096`,
  'salt-huge': (client) => `r=${nonceAfter(client)},s=${randomBytes(3000).toString('base64')},i=4096`,
  'iterations-missing': (client) => `r=${nonceAfter(client)},s=${salt()}`,
  'iterations-zero': (client) => `r=${nonceAfter(client)},s=${salt()},i=0`,
  'iterations-negative': (client) => `r=${nonceAfter(client)},s=${salt()},i=-4096`,
  'iterations-fraction': (client) => `r=${nonceAfter(client)},s=${salt()},i=4096.5`,
  'iterations-text': (client) => `r=${nonceAfter(client)},s=${salt()},i=many`,
  'iterations-hex': (client) => `r=${nonceAfter(client)},s=${salt()},i=0x1000`,
  /** A broken account would then fall to a dictionary within seconds. */
  'iterations-few': (client) => `r=${nonceAfter(client)},s=${salt()},i=1`,
  /** Hours of one core, if it were done. */
  'iterations-endless': (client) => `r=${nonceAfter(client)},s=${salt()},i=2147483647`,
  'iterations-overflow': (client) => `r=${nonceAfter(client)},s=${salt()},i=99999999999999999999`,
  'order-reversed': (client) => `i=4096,s=${salt()},r=${nonceAfter(client)}`,
  'nonce-twice': (client) => `r=${nonceAfter(client)},r=${nonceAfter(client)},s=${salt()},i=4096`,
  'mandatory-extension': (client) => `m=future,${first(client)}`,
  'broken-extension': (client) => `${first(client)},`,
  'error-at-once': () => 'e=other-error',
  'echo-of-the-client': ({ text }) => text,
} satisfies Record<string, Answer>;

/** Final answers that a client must not accept. The first one was in order. */
const finals = {
  'final-empty': () => '',
  'final-not-utf8': () => Buffer.from([0xff, 0xfe]),
  'signature-missing': () => 'x=y',
  'signature-empty': () => 'v=',
  'signature-not-base64': () => 'v=????',
  'signature-short': () => 'v=AAAA',
  'signature-wrong': () => `v=${randomBytes(32).toString('base64')}`,
  'signature-wrong-512': () => `v=${randomBytes(64).toString('base64')}`,
  'signature-then-rubbish': () => `v=${randomBytes(32).toString('base64')},rubbish`,
  'final-enormous': () => `v=${'A'.repeat(1 << 20)}`,
  'final-error': () => 'e=invalid-proof',
  'final-error-empty': () => 'e=',
  'final-error-escape': () => 'e=\x1b[2J',
  'first-again': first,
} satisfies Record<string, Answer>;

/** What a server that lies does in SCRAM. */
export type ScramHostility = keyof typeof firsts | keyof typeof finals;

/** All of them. */
export const scramHostilities = [...Object.keys(firsts), ...Object.keys(finals)] as readonly ScramHostility[];

/** A SCRAM server that breaks one rule, and would let everybody in: only the client can notice. */
export class HostileScramServer implements SaslExchange {
  readonly mechanism = 'SCRAM';
  readonly #hostility: ScramHostility;
  #client: ClientFirst | null = null;
  /** Client messages so far: after a broken first answer there must be no second. */
  received = 0;

  constructor(hostility: ScramHostility) {
    this.#hostility = hostility;
  }

  next(token: Uint8Array): SaslStep {
    this.received++;
    const text = Buffer.from(token).toString('utf8');
    if (this.#client === null) {
      this.#client = { nonce: /,r=([^,]*)/.exec(text)?.[1] ?? '', text };
      const answer: Answer = Object.hasOwn(firsts, this.#hostility)
        ? firsts[this.#hostility as keyof typeof firsts]
        : first;
      return { kind: 'continue', token: asBytes(answer(this.#client)) };
    }
    const answer: Answer = Object.hasOwn(finals, this.#hostility)
      ? finals[this.#hostility as keyof typeof finals]
      : () => `v=${randomBytes(32).toString('base64')}`;
    return { kind: 'done', token: asBytes(answer(this.#client)), principal: 'anybody', lifetimeMs: 0 };
  }
}

/** Answers every message with another question. */
export class EndlessSaslServer implements SaslExchange {
  readonly mechanism = 'ENDLESS';
  received = 0;

  next(): SaslStep {
    this.received++;
    return { kind: 'continue', token: randomBytes(16) };
  }
}

function asBytes(answer: Uint8Array | string): Uint8Array {
  return typeof answer === 'string' ? Buffer.from(answer, 'utf8') : answer;
}
