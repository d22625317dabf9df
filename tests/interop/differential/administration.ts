import {
  AddOffsetsToTxnRequest,
  AddOffsetsToTxnResponse,
  AlterConfigsRequest,
  AlterConfigsResponse,
  CreateTopicsRequest,
  CreateTopicsResponse,
  DescribeClusterRequest,
  DescribeClusterResponse,
  DescribeConfigsRequest,
  DescribeConfigsResponse,
  GetTelemetrySubscriptionsRequest,
  GetTelemetrySubscriptionsResponse,
  IncrementalAlterConfigsRequest,
  IncrementalAlterConfigsResponse,
  OffsetForLeaderEpochRequest,
  OffsetForLeaderEpochResponse,
  PushTelemetryRequest,
  PushTelemetryResponse,
} from '@kiel/codec';
import { Steps } from './steps.ts';

const NO_ID = 'AAAAAAAAAAAAAAAAAAAAAA';

/** What tools ask and what clients push: descriptions, telemetry, and groups in transactions that are not there. */
export class AdministrationScript extends Steps {
  async run(): Promise<void> {
    await this.cluster();
    await this.configs();
    await this.changedConfigs();
    await this.epochs();
    await this.offsetsOfNobody();
    await this.telemetry();
  }

  async cluster(): Promise<void> {
    const newest = this.target.version.startsWith('4') ? 2 : 1;
    for (let version = 0; version <= newest; version++) {
      for (const includeClusterAuthorizedOperations of [false, true]) {
        for (const endpointType of version >= 1 ? [1, 2, 9] : [1]) {
          const body = { includeClusterAuthorizedOperations, ...(version >= 1 ? { endpointType } : {}) };
          await this.target.ask(
            `cluster by endpoint type ${endpointType}`,
            DescribeClusterRequest,
            DescribeClusterResponse,
            version,
            body,
          );
        }
      }
    }
  }

  async configs(): Promise<void> {
    const main = this.name('main');
    const of = (resourceType: number, resourceName: string, configurationKeys: string[] | null = null) => ({
      resourceType,
      resourceName,
      configurationKeys,
    });
    const resources = {
      'some of a topic': of(2, main, ['cleanup.policy', 'no.such', 'retention.ms', 'compression.type']),
      'an unknown topic': of(2, this.name('nowhere')),
      'a bad topic': of(2, 'a b'),
      'no topic': of(2, ''),
      'some of the broker': of(4, '1', ['broker.id', 'message.max.bytes', 'num.partitions']),
      'all brokers': of(4, '', ['message.max.bytes', 'broker.id']),
      'another broker': of(4, '77'),
      'a broker in words': of(4, 'one'),
      'an unknown type': of(9, 'x'),
      'type 0': of(0, 'x'),
      loggers: of(8, '1', ['no.such']),
      'loggers of another': of(8, '77'),
    };
    for (const version of [1, 2, 3, 4]) {
      for (const [what, resource] of Object.entries(resources)) {
        const body = { resources: [resource], includeSynonyms: false };
        await this.target.ask(`configs of ${what}`, DescribeConfigsRequest, DescribeConfigsResponse, version, body);
      }
    }
  }

  /** A topic of its own, since what later steps find depends on the settings of the others. */
  async changedConfigs(): Promise<void> {
    const name = this.name('changed');
    const topic = { name, numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] };
    const body = { topics: [topic], timeoutMs: 10_000, validateOnly: false };
    await this.target.quietly(CreateTopicsRequest, CreateTopicsResponse, 5, body);
    const describe = (configurationKeys: string[]) =>
      this.target.ask('changed configs', DescribeConfigsRequest, DescribeConfigsResponse, 4, {
        resources: [{ resourceType: 2, resourceName: name, configurationKeys }],
        includeSynonyms: false,
      });
    const keys = ['cleanup.policy', 'retention.bytes', 'max.message.bytes', 'min.insync.replicas'];
    const change = async (step: string, configs: [string, number, string | null][], over: object = {}) => {
      const resource = {
        resourceType: 2,
        resourceName: name,
        configs: configs.map(([key, configOperation, value]) => ({ name: key, configOperation, value })),
        ...over,
      };
      for (const version of [0, 1]) {
        for (const validateOnly of [true, false]) {
          const all = { resources: [resource], validateOnly };
          await this.target.ask(
            `change ${step}`,
            IncrementalAlterConfigsRequest,
            IncrementalAlterConfigsResponse,
            version,
            all,
          );
        }
      }
      await describe(keys);
    };
    await describe(keys);
    await change('one', [['retention.bytes', 0, '1000000']]);
    await change('acks', [['min.insync.replicas', 0, '2']]);
    await change('two', [
      ['max.message.bytes', 0, '2000'],
      ['cleanup.policy', 2, 'compact'],
    ]);
    await change('a list back', [['cleanup.policy', 3, 'compact']]);
    await change('what is no list', [['retention.bytes', 2, '5']]);
    await change('an unknown one', [['no.such', 0, '1']]);
    await change('to no number', [['retention.bytes', 0, 'many']]);
    await change('to nothing', [['retention.bytes', 0, null]]);
    await change('to the default', [['max.message.bytes', 1, null]]);
    await change('an unknown topic', [['retention.bytes', 0, '5']], { resourceName: this.name('nowhere') });
    await change('a bad topic', [['retention.bytes', 0, '5']], { resourceName: 'a b' });
    for (const [step, resourceName, configs] of [
      ['one', name, [{ name: 'max.message.bytes', value: '3000' }]],
      ['an unknown one', name, [{ name: 'no.such', value: '1' }]],
      ['to nothing', name, [{ name: 'max.message.bytes', value: null }]],
      ['an unknown topic', this.name('nowhere'), []],
    ] as const) {
      for (const version of [0, 1, 2]) {
        const all = { resources: [{ resourceType: 2, resourceName, configs }], validateOnly: false };
        await this.target.ask(`replace ${step}`, AlterConfigsRequest, AlterConfigsResponse, version, all);
      }
      await describe(keys);
    }
  }

  async epochs(): Promise<void> {
    const asked = [
      { partition: 0, currentLeaderEpoch: -1, leaderEpoch: 0 },
      { partition: 7, currentLeaderEpoch: -1, leaderEpoch: 0 },
      { partition: 1, currentLeaderEpoch: 9, leaderEpoch: 0 },
      { partition: 1, currentLeaderEpoch: 0, leaderEpoch: 5 },
      { partition: 1, currentLeaderEpoch: 0, leaderEpoch: -1 },
    ];
    for (const version of [2, 3, 4]) {
      for (const topic of [this.name('main'), this.name('nowhere')]) {
        for (const partition of asked) {
          const topics = [{ topic, partitions: [partition] }];
          const body = { topics, ...(version >= 3 ? { replicaId: -1 } : {}) };
          await this.target.ask(
            'end of an epoch',
            OffsetForLeaderEpochRequest,
            OffsetForLeaderEpochResponse,
            version,
            body,
          );
        }
      }
    }
  }

  async offsetsOfNobody(): Promise<void> {
    const who = await this.init('for groups', 'groups');
    for (const version of [0, 1, 2, 3]) {
      const ask = (step: string, over: object) =>
        this.target.ask(`add offsets: ${step}`, AddOffsetsToTxnRequest, AddOffsetsToTxnResponse, version, {
          transactionalId: this.name('groups'),
          ...who,
          groupId: 'g',
          ...over,
        });
      await ask('an unknown id', { transactionalId: this.name('nobody') });
      await ask('no id', { transactionalId: '' });
      await ask('no group', { groupId: '' });
      await ask('an older epoch', { producerEpoch: -1 });
      await ask('again', {});
    }
    await this.end('a group alone', 'groups', who, false);
  }

  async telemetry(): Promise<void> {
    const subscribe = (clientInstanceId: string) =>
      this.target.quietly(GetTelemetrySubscriptionsRequest, GetTelemetrySubscriptionsResponse, 0, { clientInstanceId });
    const push = async (step: string, over: object, times = 1) => {
      const mine = await subscribe(NO_ID);
      if (typeof mine === 'string') throw new Error(`no subscription: ${mine}`);
      const { clientInstanceId, subscriptionId } = mine;
      const body = { clientInstanceId, subscriptionId, terminating: false, compressionType: 0 };
      for (let i = 0; i < times; i++) {
        const metrics = new Uint8Array(0);
        const all = { ...body, metrics, ...over };
        await this.target.ask(`push ${step}`, PushTelemetryRequest, PushTelemetryResponse, 0, all);
      }
    };
    await push('metrics', {});
    await push('what is no metrics', { metrics: Uint8Array.of(1, 2, 3) });
    await push('too much', { metrics: new Uint8Array(1_100_000) });
    await push('in an unknown compression', { compressionType: 5 });
    await push('to another subscription', { subscriptionId: 3 });
    await push('without an id', { clientInstanceId: NO_ID });
    await push('for the last time', { terminating: true }, 2);
  }
}
