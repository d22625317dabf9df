/**
 * What a cluster may say of itself before it is believed. A frame's size bounds the bytes; these bound what a few
 * bytes can make of this client: a partition number alone would have it build two billion queues.
 */
export const mostNodes = 10_000;
const mostPartitions = 100_000;
const longestHost = 255;

interface AdvertisedBroker {
  readonly nodeId: number;
  readonly host: string;
  readonly port: number;
}

interface Picture {
  readonly brokers: readonly AdvertisedBroker[];
  readonly topics: readonly {
    readonly name: string | null;
    readonly partitions: readonly { readonly partitionIndex: number }[];
  }[];
}

/** What is wrong with an answer to Metadata, to be told after the broker's name; null if nothing. */
export function metadataProblem({ brokers, topics }: Picture): string | null {
  if (brokers.length > mostNodes) return `lists ${brokers.length} brokers`;
  for (const broker of brokers) {
    const problem = addressProblem(broker);
    if (problem !== null) return problem;
  }
  for (const { partitions } of topics) {
    const limit = Math.max(mostPartitions, partitions.length);
    for (const { partitionIndex } of partitions) {
      if (partitionIndex < 0 || partitionIndex >= limit) return `lists a partition ${partitionIndex}`;
    }
  }
  return null;
}

/** As `metadataProblem`, of one broker. */
export function addressProblem({ nodeId, host, port }: AdvertisedBroker): string | null {
  if (nodeId < 0) return `lists a broker ${nodeId}`;
  if (host === '' || host.length > longestHost || /[\p{C}\s]/u.test(host)) {
    return `lists broker ${nodeId} at a host that is no name`;
  }
  return port > 0 && port < 65_536 ? null : `lists broker ${nodeId} at port ${port}`;
}
