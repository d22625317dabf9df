/**
 * `npm run kafka-release -- 4.5.0`: takes a Kafka release up, from its published jars to golden vectors, and says what a
 * person has to look at. With the release that is there already, nothing changes. Needs Java, Maven and the network.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { newestRelease } from './releases.ts';

const root = join(import.meta.dirname, '../..');
const constants = join(import.meta.dirname, 'releases.ts');

const [version] = process.argv.slice(2);
if (version === undefined || !/^\d+\.\d+\.\d+$/.test(version)) {
  console.error('Name the release: npm run kafka-release -- 4.5.0');
  process.exit(2);
}

const text = readFileSync(constants, 'utf8');
writeFileSync(constants, text.replace(`newestRelease = '${newestRelease}'`, `newestRelease = '${version}'`));

for (const [step, script] of [
  ['facts of each message', 'tools/schema/import.ts'],
  ['TypeScript from the facts', 'tools/schema/generate.ts'],
  ["golden vectors from Java's classes", 'tools/golden/make.ts'],
] as const) {
  console.log(`\n${step} …`);
  execFileSync(process.execPath, [script], { cwd: root, stdio: 'inherit' });
}

const git = (...args: string[]): string => execFileSync('git', args, { cwd: root, encoding: 'utf8' });
const schema = 'packages/codec/schema';
const status = git('status', '--porcelain', '--', schema).trimEnd().split('\n').filter(Boolean);
const named = (mark: RegExp) =>
  status.filter((line) => mark.test(line)).map((line) => line.slice(3).replace(/^.*\/|\.json$/g, ''));
const lists = { new: named(/^(\?\?|A)/), changed: named(/^ ?M/), gone: named(/^ ?D/) };

console.log(`\nKafka ${version} beside ${newestRelease}:`);
for (const [what, names] of Object.entries(lists)) {
  console.log(`  ${what}: ${names.length === 0 ? 'none' : names.join(', ')}`);
}
console.log(`
Now look at these:
  git diff ${schema}
    New fields and versions are facts; a changed default or type is a question.
  packages/codec/src/broker-errors.ts and packages/producer/src/error-treatment.ts
    Error codes stand there by hand, with what the producer does about each.
  npm run typecheck && npx vitest run --project unit --project golden packages/codec
Then the brokers: add ${version} to tools/kafka/releases.ts, npm run broker-facts ${version}, give the mock cluster its
profile (packages/mock-cluster/src/profiles/), and npm test.`);
