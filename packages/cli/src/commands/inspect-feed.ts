import { get, type IncomingMessage } from 'node:http';
import { codeOf, Failure, usage } from '../failure.ts';

/** The messages of an inspector, as JSON, until its producer ends or the signal comes. */
export async function* feedLines(address: URL, signal: AbortSignal): AsyncGenerator<string> {
  if (address.protocol !== 'http:') throw usage(`${address.protocol} is not how an inspector is reached: http: is.`);
  const events = new URL('events', address.href.endsWith('/') ? address : `${address.href}/`);
  const response = await open(events, signal);
  if (response === null) return;
  if (response.statusCode !== 200) {
    const [first = ''] = (await textOf(response)).split('\n');
    throw new Failure(`${address.host} refuses: ${first}`, { hint: 'Take the whole address, with its token.' });
  }
  response.setEncoding('utf8');
  let rest = '';
  try {
    for await (const chunk of response as AsyncIterable<string>) {
      const lines = (rest + chunk).split('\n');
      rest = lines.pop()!;
      for (const line of lines) if (line.startsWith('data: ')) yield line.slice('data: '.length);
    }
  } catch (error) {
    // The process was killed, or Ctrl-C was pressed: either is an end.
    if (!signal.aborted && codeOf(error) !== 'ECONNRESET') throw error;
  }
}

function open(address: URL, signal: AbortSignal): Promise<IncomingMessage | null> {
  return new Promise((resolve, reject) => {
    get(address, { signal }, resolve).on('error', (error) => {
      if (signal.aborted) resolve(null);
      else if (codeOf(error) === 'ECONNREFUSED') {
        reject(
          new Failure(`Nobody listens at ${address.host}.`, {
            hint: 'The producer has ended, or its inspector was closed.',
          }),
        );
      } else reject(new Failure(`${address.host} cannot be reached: ${error.message}`));
    });
  });
}

async function textOf(response: IncomingMessage): Promise<string> {
  response.setEncoding('utf8');
  let text = '';
  for await (const chunk of response) {
    text += chunk;
    if (text.length > 1000) break;
  }
  return text;
}
