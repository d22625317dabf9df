import { isAtLeast, type KafkaAccess } from '../../tools/kafka/index.ts';

const utf8 = ['-Dfile.encoding=UTF-8', '-Dstdout.encoding=UTF-8', '-Dsun.stdout.encoding=UTF-8'];

/** What Java's console consumer prints of a topic from its beginning, a line a record. */
export async function consumeByJava(
  kafka: KafkaAccess,
  topic: string,
  count: number,
  options: { properties?: readonly string[]; args?: readonly string[] } = {},
): Promise<string[]> {
  const { version } = kafka;
  const hasNew = isAtLeast(version, '0.9');
  const where = hasNew ? ['--bootstrap-server', kafka.bootstrap] : ['--zookeeper', kafka.zookeeper ?? ''];
  const chosen = hasNew && !isAtLeast(version, '1.0') ? ['--new-consumer'] : [];
  const flag = isAtLeast(version, '4.2') ? '--formatter-property' : '--property';
  const properties = (options.properties ?? ['print.key=true']).flatMap((property) => [flag, property]);
  const limits = ['--from-beginning', '--max-messages', String(count)];
  const args = ['--topic', topic, ...where, ...chosen, ...limits, ...properties, ...(options.args ?? [])];
  const { stdout } = await kafka.runTool('consoleConsumer', args, { jvmFlags: utf8 });
  return stdout === '' ? [] : stdout.replace(/\n$/, '').split('\n');
}

/** Gives lines of key, tab and value to Java's console producer, and waits until the broker has taken them. */
export async function produceByJava(
  kafka: KafkaAccess,
  topic: string,
  lines: readonly string[],
  compression: string,
): Promise<void> {
  const { version } = kafka;
  const where = isAtLeast(version, '2.5') ? '--bootstrap-server' : '--broker-list';
  const flag = isAtLeast(version, '4.2') ? '--reader-property' : '--property';
  const how = [flag, 'parse.key=true', '--compression-codec', compression, '--request-required-acks', '-1'];
  const input = `${lines.join('\n')}\n`;
  await kafka.runTool('consoleProducer', ['--topic', topic, where, kafka.bootstrap, ...how], { input, jvmFlags: utf8 });
}

/** The first place where two lists differ, in words; undefined if there is none. A whole diff would fill the screen. */
export function firstDifference(found: readonly string[], expected: readonly string[]): string | undefined {
  const length = Math.max(found.length, expected.length);
  for (let i = 0; i < length; i++) {
    if (found[i] === expected[i]) continue;
    const shown = (line: string | undefined) => (line === undefined ? 'nothing' : JSON.stringify(line.slice(0, 200)));
    return `line ${i} of ${found.length} is ${shown(found[i])}, expected ${shown(expected[i])} of ${expected.length}`;
  }
  return undefined;
}
