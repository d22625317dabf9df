import { setTimeout as sleep } from 'node:timers/promises';
import {
  decodeResponseAs,
  encodeRequest,
  FindCoordinatorRequest,
  FindCoordinatorResponse,
  OffsetFetchRequest,
  OffsetFetchResponse,
  type RequestMessage,
  type ResponseMessage,
} from '@kiel/codec';
import { createProducer } from '@kiel/producer';
import { RawConnection } from '../kafka/wire.ts';

/**
 * One life of a worker that reads, processes and writes: its input is the whole numbers, its place among them the
 * offset that it commits for its group. It ends with exit code 3 at any error, and begins again where the group stands.
 */
const [ports = '', output = '', partitions = '1', last = '0', batch = '100'] = process.argv.slice(2);
const group = 'exactly-once';

const producer = createProducer({
  brokers: ports.split(',').map((port) => `127.0.0.1:${port}`),
  transactionalId: 'exactly-once',
  serializer: String,
  transactionTimeoutMs: 30_000,
  requestTimeoutMs: 5_000,
});
try {
  // Fences the life before, and ends what it left open: only then the group's offset is final
  await producer.begin();
  await producer.abort();
  let next = await groupStandsAt();
  process.send?.({ began: next });
  while (next < Number(last)) {
    const end = Math.min(next + Number(batch), Number(last));
    await producer.transaction(async (tx) => {
      for (let n = next; n < end; n++) tx.produce(output, String(n), { partition: n % Number(partitions) });
      await tx.sendOffsets([{ topic: output, partition: 0, offset: end }], group);
    });
    next = end;
    process.send?.({ reached: next });
  }
  await producer.close();
  process.exit(0);
} catch (error) {
  process.send?.({ error: (error as Error).message });
  process.exit(3);
}

async function groupStandsAt(): Promise<number> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await askGroup();
    } catch (error) {
      if (attempt === 60) throw error;
      await sleep(500);
    }
  }
}

async function askGroup(): Promise<number> {
  const all = ports.split(',').map(Number);
  const any = await firstOpen(all);
  const found = await ask(any, FindCoordinatorRequest, FindCoordinatorResponse, 4, {
    keyType: 0,
    coordinatorKeys: [group],
  });
  any.socket.destroy();
  const coordinator = found.coordinators[0]!;
  if (coordinator.errorCode !== 0) throw new Error(`no coordinator: ${coordinator.errorCode}`);
  const connection = await RawConnection.open(coordinator.port);
  const { groups } = await ask(connection, OffsetFetchRequest, OffsetFetchResponse, 8, {
    groups: [{ groupId: group, topics: [{ name: output, partitionIndexes: [0] }] }],
    requireStable: true,
  });
  connection.socket.destroy();
  const partition = groups[0]?.topics[0]?.partitions[0];
  const code = groups[0]?.errorCode || partition?.errorCode;
  if (code !== 0) throw new Error(`the group's offset is not known: ${code}`);
  return Math.max(0, Number(partition!.committedOffset));
}

async function firstOpen(all: readonly number[]): Promise<RawConnection> {
  for (const port of all) {
    try {
      return await RawConnection.open(port);
    } catch {}
  }
  throw new Error('no broker can be reached');
}

async function ask<Input, Value>(
  connection: RawConnection,
  message: RequestMessage<unknown, Input>,
  answer: ResponseMessage<Value, never>,
  version: number,
  body: Input,
): Promise<Value> {
  connection.send(encodeRequest({ message, version, correlationId: 1, clientId: 'exactly-once', body }));
  const frame = await connection.frame();
  if (frame === null) throw new Error(`no answer to ${message.name}`);
  return decodeResponseAs(answer, frame, version).body;
}
