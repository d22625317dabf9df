import { describe, expect, test } from 'vitest';
import { MockCluster } from '../../packages/mock-cluster/src/index.ts';
import { requireKafka } from '../../tools/kafka/index.ts';
import { play } from './differential/script.ts';
import { type Line, Target } from './differential/target.ts';
import { sharedKafka } from './shared.ts';

describe.skipIf(!requireKafka())('the embedded brokers answer as the real ones do', () => {
  test.for(['4.4.0', '3.9.2'])('Kafka %s: one script, the same answers', async (version) => {
    const kafka = await sharedKafka(version);
    await using mock = await MockCluster.start({ version, autoCreateTopics: false });
    const real = new Target('real', version, kafka.brokers[0]!.port);
    const embedded = new Target('embedded', version, Number(mock.brokers[0]!.split(':')[1]));
    await Promise.all([play(real, 'differential'), play(embedded, 'differential')]);
    real.close();
    embedded.close();
    expect(embedded.lines.map(({ step }) => step)).toEqual(real.lines.map(({ step }) => step));
    expect(real.lines.length).toBeGreaterThan(500);
    const differing = (line: Line, i: number) => JSON.stringify(line) !== JSON.stringify(real.lines[i]);
    const unexpected = embedded.lines.filter(differing);
    expect(unexpected.map((line) => ({ step: line.step, embedded: line.answer }))).toEqual(
      unexpected.map((line) => ({ step: line.step, embedded: real.lines[embedded.lines.indexOf(line)]!.answer })),
    );
  });
});
