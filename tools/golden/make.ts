import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import { gunzipSync, gzipSync } from 'node:zlib';
import { cacheFolder, type Jars, kafkaJars } from '../kafka/index.ts';
import { newestRelease, olderRelease } from '../schema/releases.ts';

// `npm run golden`: makes the golden vectors of every message from Java's own classes, byte for byte the same each time.
// `npm run golden -- --seed N [--out FOLDER]` makes others, elsewhere; KIEL_GOLDEN_DIR=FOLDER runs the tests on those.

const run = promisify(execFile);
const committed = fileURLToPath(new URL('../../packages/codec/test/golden/vectors', import.meta.url));
const committedSeed = '1';

/** The newest release's classes make all they can; the older one's make what the newest no longer knows. */
const newest = newestRelease;
const older = olderRelease;
const internalArtifacts = [
  'kafka-group-coordinator',
  'kafka-transaction-coordinator',
  'kafka-share-coordinator',
  'kafka-metadata',
  'kafka-storage',
  'kafka-raft',
];

const { values } = parseArgs({
  options: { seed: { type: 'string', default: committedSeed }, out: { type: 'string' } },
});
const seed = values.seed;
if (!/^-?\d+$/.test(seed)) throw new Error(`--seed ${seed}: a whole number is wanted`);
const target = values.out ?? (seed === committedSeed ? committed : join(cacheFolder(), `golden-seed-${seed}`));

const work = mkdtempSync(join(tmpdir(), 'kiel-golden-'));
try {
  const [newJars, oldJars] = [await kafkaJars(newest), await kafkaJars(older)];
  const newClasses = await compile('new', newJars);
  const oldClasses = await compile('old', oldJars);
  const jarOf = (jars: Jars, artifact: string, version: string) => join(jars.folder, `${artifact}-${version}.jar`);

  const [messages, internal, rest] = [join(work, 'messages'), join(work, 'internal'), join(work, 'rest')];
  const internalJars = internalArtifacts.map((artifact) => jarOf(newJars, artifact, newest));
  await make(newClasses, newest, messages, '-', [jarOf(newJars, 'kafka-clients', newest)]);
  await make(newClasses, newest, internal, '-', internalJars);
  const differences = await make(oldClasses, older, rest, messages, [jarOf(oldJars, 'kafka-clients', older)]);

  const pairs = { messages: pack([messages, rest], 'messages'), internal: pack([internal], 'internal') };
  const found = differences
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Difference);
  const summary = { seed, newest, older, pairs, differences: summarise(found) };
  writeFileSync(join(target, 'index.json'), `${JSON.stringify(summary, null, 2)}\n`);
  console.log(`${pairs.messages} pairs of message and version, ${pairs.internal} of internal topics, in ${target}`);
  if (target === committed) {
    // Record batches have a program of their own.
    await run(process.execPath, [fileURLToPath(new URL('records/make.ts', import.meta.url))], { maxBuffer: 1 << 28 });
    console.log('record batches too');
  } else {
    console.log(`to test with them: KIEL_GOLDEN_DIR=${target} npx vitest run --project golden`);
  }
} finally {
  rmSync(work, { recursive: true, force: true });
}

async function compile(name: string, jars: Jars): Promise<string> {
  const sources = fileURLToPath(new URL('java', import.meta.url));
  const files = readdirSync(sources).filter((file) => file.endsWith('.java'));
  const classes = join(work, `classes-${name}`);
  await run('javac', [
    '-encoding',
    'UTF-8',
    '-d',
    classes,
    '-cp',
    jars.classpath,
    ...files.map((f) => join(sources, f)),
  ]);
  return `${classes}:${jars.classpath}`;
}

async function make(
  classpath: string,
  release: string,
  out: string,
  other: string,
  jars: readonly string[],
): Promise<string> {
  const args = ['-Dfile.encoding=UTF-8', '-cp', classpath, 'GoldenVectors', release, seed, out, other, ...jars];
  const { stdout, stderr } = await run('java', args, { maxBuffer: 1 << 28 });
  console.log(`Kafka ${release}: ${stderr.trim()}`);
  return stdout;
}

interface Vector {
  version: number;
}

/** One compressed file a message, its versions in order; returns the number of (message, version) pairs. */
function pack(folders: readonly string[], kind: string): number {
  const destination = join(target, kind);
  mkdirSync(destination, { recursive: true });
  const files = new Set(folders.flatMap((folder) => readdirSync(folder)));
  for (const stale of readdirSync(destination)) {
    if (!files.has(stale.replace(/\.gz$/, ''))) rmSync(join(destination, stale));
  }
  let pairs = 0;
  for (const file of files) {
    const paths = folders.map((folder) => join(folder, file)).filter((path) => existsSync(path));
    const lines = paths.flatMap((path) => readFileSync(path, 'utf8').trimEnd().split('\n'));
    const versionOf = (line: string) => (JSON.parse(line) as Vector).version;
    const ordered = lines.map((line) => ({ line, version: versionOf(line) })).sort((a, b) => a.version - b.version);
    pairs += new Set(ordered.map(({ version }) => version)).size;
    writeCompressed(join(destination, `${file}.gz`), `${ordered.map(({ line }) => line).join('\n')}\n`);
  }
  return pairs;
}

/** Leaves a file alone whose content is the same: another zlib may pack the same bytes in another way. */
function writeCompressed(path: string, text: string): void {
  if (existsSync(path) && gunzipSync(readFileSync(path)).toString('utf8') === text) return;
  const packed = gzipSync(text, { level: 9 });
  packed[9] = 255; // the system that packed it: unknown, wherever that was
  writeFileSync(path, packed);
}

interface Difference {
  message: string;
  version: number;
  case: string;
  fails?: string;
  writes?: string;
}

/** Where the older release reads or writes the newest one's bytes in another way. */
function summarise(found: readonly Difference[]): Record<string, string> {
  const result: Record<string, string> = {};
  for (const { message, version, fails, writes } of found) {
    const name = `${message} ${version}`;
    const kind =
      fails !== undefined
        ? `${older} cannot read what ${newest} writes`
        : writes !== undefined
          ? 'other bytes'
          : 'same bytes, other names or values in JSON';
    if (result[name] === undefined || fails !== undefined) result[name] = kind;
  }
  return result;
}
