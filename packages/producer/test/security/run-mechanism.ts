import type { SaslContext, SaslMechanism } from '../../src/security/mechanism.ts';

export const context: SaslContext = {
  host: 'broker-1.example',
  port: 9093,
  nodeId: 1,
  signal: new AbortController().signal,
};

export const utf8 = (bytes: Uint8Array) => Buffer.from(bytes).toString('utf8');
export const bytes = (text: string) => Buffer.from(text, 'utf8');

/** Runs a mechanism against scripted answers and returns what the client sent, as text. */
export async function talk(
  mechanism: SaslMechanism,
  answers: readonly (string | Uint8Array)[],
  into: Partial<SaslContext> = {},
): Promise<string[]> {
  const messages = mechanism.authenticate({ ...context, ...into });
  const sent: string[] = [];
  let next = await messages.next();
  for (const answer of answers) {
    if (next.done === true) break;
    sent.push(utf8(next.value));
    next = await messages.next(typeof answer === 'string' ? bytes(answer) : answer);
  }
  if (next.done !== true) sent.push(utf8(next.value));
  return sent;
}

/** The error that a promise rejects with. */
export async function failure(promise: Promise<unknown>): Promise<Error & { code: string; retriable: boolean }> {
  try {
    await promise;
  } catch (error) {
    return error as Error & { code: string; retriable: boolean };
  }
  throw new Error('it did not fail');
}
