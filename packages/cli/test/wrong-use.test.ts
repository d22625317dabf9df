import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MockCluster } from '@kiel/mock-cluster';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runKiel } from './run-kiel.ts';

const folder = mkdtempSync(join(tmpdir(), 'kiel-wrong-'));
const empty = join(folder, 'empty');
const notes = join(folder, 'notes.txt');
writeFileSync(empty, '');
writeFileSync(notes, '{"id":1}\n');

let cluster: MockCluster;
let web: Server;
const named = new Map<string, string>();

beforeAll(async () => {
  cluster = await MockCluster.start({ topics: { orders: 3 } });
  web = createServer((socket) => {
    socket.on('error', () => {});
    socket.on('data', () => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
  });
  await new Promise<void>((resolve) => web.listen(0, '127.0.0.1', resolve));
  const address = web.address();
  named.set('BROKER', cluster.brokers.join(','));
  named.set('WEB', typeof address === 'object' ? `127.0.0.1:${address?.port}` : '');
  named.set('WEBPORT', typeof address === 'object' ? String(address?.port) : '');
  named.set('FOLDER', folder);
  named.set('EMPTY', empty);
  named.set('NOTES', notes);
});
afterAll(async () => {
  await cluster.stop();
  await new Promise((resolve) => web.close(resolve));
  rmSync(folder, { recursive: true });
});

interface Wrong {
  readonly line: string;
  readonly input?: string;
  readonly code: number;
  /** What is said: the fault, and what to do about it. */
  readonly says: readonly string[];
}

const wrong: readonly Wrong[] = [
  { line: 'frob', code: 2, says: ["unknown command 'frob'", 'kiel --help shows the commands'] },
  { line: 'produse', code: 2, says: ['Did you mean produce?'] },
  { line: 'meta', code: 2, says: ['No broker is given.', 'Use -b HOST:PORT, KIEL_BROKERS'] },
  { line: 'meta -b localhost:99999', code: 2, says: ['"localhost:99999" is not an address.', 'Write HOST:PORT'] },
  { line: 'meta -b 127.0.0.1:1 --timeout 1', code: 1, says: ['within 1 s.', 'nothing listens there', 'Check that'] },
  { line: 'meta -b WEB --timeout 1', code: 1, says: ['it answered with HTTP, so it is no Kafka'] },
  { line: 'meta -b BROKER --tls --timeout 1', code: 1, says: ['at the TLS greeting: is it a TLS port?'] },
  { line: 'meta -b BROKER --tls-ca FOLDER/none.pem', code: 2, says: ['there is no such file', 'Check the path.'] },
  { line: 'meta -b BROKER --tls-ca NOTES', code: 2, says: ['holds no certificate', 'PEM'] },
  { line: 'meta -b BROKER --sasl-mechanism PLAIN', code: 2, says: ['needs a user name and a password', 'KIEL_SASL'] },
  { line: 'meta -b BROKER --timeout soon', code: 2, says: ["'soon' is invalid", 'a whole number'] },
  { line: 'meta -b BROKER extra', code: 2, says: ['too many arguments', 'kiel meta --help'] },
  { line: 'meta -b BROKER -X novalue', code: 2, says: ['has no "="', '-X linger.ms=5'] },
  { line: 'meta -b BROKER -t nowhere', code: 1, says: ['UNKNOWN_TOPIC_OR_PARTITION', 'lists the topics there are'] },
  { line: 'meta -b BROKER -X security.protcol=SSL', code: 2, says: ['Did you mean security.protocol?'] },
  { line: 'read -b BROKER', code: 2, says: ["required option '-t, --topic <name>' not specified", 'kiel read --help'] },
  { line: 'read -b BROKER -t nowhere', code: 1, says: ['The cluster has no topic nowhere.', 'lists the topics'] },
  { line: 'read -b BROKER -t orders -p 9', code: 2, says: ['has no partition 9.', 'It has 0 to 2.'] },
  {
    line: 'read -b BROKER -t orders --from soonish',
    code: 2,
    says: ['is no place.', 'Give beginning, end, an offset'],
  },
  { line: 'read -b BROKER -t bad!name', code: 1, says: ['INVALID_TOPIC_EXCEPTION', 'Topic names have letters'] },
  { line: 'produce -t orders', code: 2, says: ['No broker is given.'] },
  { line: 'produce -b BROKER -t orders FOLDER/none', code: 2, says: ['there is no such file'] },
  { line: 'produce -b BROKER -t orders FOLDER', code: 2, says: ['it is a folder'] },
  { line: 'produce -b BROKER -t orders --compression zip', code: 2, says: ['none, gzip, snappy, lz4, zstd'] },
  { line: 'produce -b BROKER -t orders -H noequals', input: 'x\n', code: 2, says: ['has no "="', "--header 'name={"] },
  { line: 'produce -b BROKER -t orders -X linger.ms=soon', input: 'x\n', code: 2, says: ['not a whole number'] },
  { line: 'produce -b BROKER -t orders -f json', input: '{"a":1}\n{oops\n', code: 1, says: ['line 2: it is not JSON'] },
  { line: 'decode FOLDER/none', code: 2, says: ['there is no such file', 'Check the path.'] },
  { line: 'decode FOLDER', code: 2, says: ['it is a folder'] },
  { line: 'decode EMPTY', code: 1, says: ['There is nothing to decode: the input is empty.'] },
  {
    line: 'decode NOTES',
    code: 1,
    says: ['no capture, no log segment', 'Say what they are: --as stream, segment, index'],
  },
  { line: 'decode --as song NOTES', code: 2, says: ['Allowed choices are capture, stream, segment, index'] },
  { line: 'decode --api Produze NOTES', code: 2, says: ['There is no API Produze.', 'There is Produce'] },
  { line: 'decode --as response', input: '00000001', code: 2, says: ['Add --api NAME and --api-version N.'] },
  { line: 'decode --correlation x NOTES', code: 2, says: ['--correlation x is not a whole number.'] },
  { line: 'mock --port 70000', code: 2, says: ['a whole number from 0 to 65535'] },
  { line: 'mock --port WEBPORT', code: 1, says: ['is taken.', 'Choose another --port'] },
  { line: 'mock --topic a:b', code: 2, says: ['is no topic.', 'orders:6'] },
  { line: 'mock --version 9.9', code: 2, says: ['no mock of Kafka 9.9', '4.4'] },
  { line: 'completion tcsh', code: 2, says: ['bash, zsh and fish'] },
  { line: 'demo --brokers 127.0.0.1:1', code: 2, says: ['Name the topic'] },
];

describe('called wrongly, the command says in a line or two what to do', () => {
  test.each(wrong)('kiel $line', async ({ line, input = '', code, says }) => {
    const args = line.split(' ').map((word) => word.replace(/^[A-Z]{3,}/, (name) => named.get(name) ?? name));
    const ended = await runKiel(args, { input });
    expect(ended.code, ended.stderr).toBe(code);
    for (const text of says) expect(ended.stderr).toContain(text);
    expect(ended.stderr).not.toMatch(/Internal fault|undefined|\[object|^\s+at /m);
    expect(ended.stderr.trimEnd().split('\n').length).toBeLessThanOrEqual(3);
  });
});
