import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestProject } from 'vitest/node';
import { type KafkaCluster, startKafka } from '../../../tools/kafka/index.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** Where test files ask for a cluster, which lives in the process that outlives them. */
    kafkaDesk: string;
  }
}

/**
 * One cluster a release for all test files, started when the first file asks for it: starting costs more than most tests.
 * Each file runs in a process of its own, so they ask over loopback.
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const clusters = new Map<string, Promise<KafkaCluster>>();
  const path = `/${randomUUID()}/`;
  const server = createServer((request, response) => {
    const url = request.url ?? '';
    if (!url.startsWith(path)) {
      response.writeHead(404).end();
      return;
    }
    const version = url.slice(path.length);
    const cluster = clusters.get(version) ?? startKafka({ version });
    clusters.set(version, cluster);
    cluster.then(
      ({ place }) => response.end(JSON.stringify(place)),
      (error) => response.writeHead(500).end(String(error)),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  project.provide('kafkaDesk', `http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`);
  return async () => {
    server.closeAllConnections();
    server.close();
    for (const cluster of clusters.values()) {
      await cluster.then(
        (started) => started.stop(),
        () => {},
      );
    }
  };
}
