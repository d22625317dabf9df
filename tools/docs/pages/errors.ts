import { type BrokerErrorInfo, brokerErrors } from '../../../packages/codec/src/index.ts';
import {
  type CoordinatorTreatment,
  coordinatorTreatmentOf,
  type Treatment,
  treatmentOf,
} from '../../../packages/producer/src/index.ts';
import { type OwnError, ownErrors } from '../data/own-errors.ts';
import { code, table } from '../markdown.ts';

const did: Readonly<Record<Treatment, string>> = {
  succeed: 'The record counts as delivered.',
  retry: 'It sent the same batch again after a pause that doubles each time, until `deliveryTimeoutMs` was over.',
  refresh:
    'It fetched the picture of the cluster anew, or followed the leader that the broker named, and sent the batch again, until `deliveryTimeoutMs` was over.',
  split:
    'It cut the batch in halves and sent those, as often as needed. Only a record that is too large by itself fails.',
  resequence:
    'It began sequence numbers anew under the next epoch and sent the batch again, when the records that went before were settled. Where an earlier attempt may have been stored, the batch fails as `possibly` persisted instead: nobody would notice a copy. In a transaction the batch fails, and the transaction is to be aborted.',
  failRecord:
    'It did not try again: this batch’s records failed, or those that the broker named, and all others go on.',
  failProducer: 'It failed all waiting records and closed: nothing more can be produced with these settings.',
  fence: 'It failed all waiting records and closed: another producer has taken its place.',
  rebootstrap: 'It forgot the brokers it knew and asked the entries of `brokers` again; records wait meanwhile.',
};

const todo: Readonly<Record<Treatment, string>> = {
  succeed: 'Nothing.',
  retry: 'Nothing, while it passes. If records fail with it, check the health of the cluster.',
  refresh: 'Nothing, while it passes. If records fail with it, check the health of the cluster.',
  split: 'Send less in one record.',
  resequence:
    'Check that the topic’s `min.insync.replicas` is at least 2 and that brokers do not lose acknowledged records.',
  failRecord:
    'Nothing here. In a capture, or from another client, it concerns the request that it answers: `kiel decode` shows which.',
  failProducer: 'Mend what the message names, and make another producer.',
  fence: 'Make sure that only one producer uses the transactional id.',
  rebootstrap: 'Nothing. If it repeats, check that `brokers` leads to the right cluster.',
};

/** Of codes that answer requests which a producer never sends. */
const foreignDid =
  'A producer sends no request that is answered with it. `@kiel/codec` names it for tools; were a record answered so, it would fail.';

/** Of answers that only calls of a transaction get, in which no record of a producer is named. */
const offsetsOfGroup =
  'Abort; take the group and its generation from the consumer as they are now, and read again from its last commit.';
const coordinatorTodo: Readonly<Record<string, string>> = {
  OFFSET_METADATA_TOO_LARGE:
    'Give `sendOffsets` a shorter `metadata`; brokers allow 4,096 bytes, if not set otherwise.',
  ILLEGAL_GENERATION: offsetsOfGroup,
  INVALID_GROUP_ID: 'Give `sendOffsets` the name of the consumer’s group.',
  UNKNOWN_MEMBER_ID: offsetsOfGroup,
  REBALANCE_IN_PROGRESS: offsetsOfGroup,
  INVALID_COMMIT_OFFSET_SIZE: 'Send the offsets of fewer partitions in one transaction.',
  GROUP_AUTHORIZATION_FAILED: 'Give this user the right READ on the group whose offsets it commits.',
  FENCED_INSTANCE_ID: 'Make sure that one consumer alone has this `group.instance.id`.',
  FENCED_MEMBER_EPOCH: offsetsOfGroup,
  STALE_MEMBER_EPOCH: offsetsOfGroup,
};

const coordinatorDid: Readonly<Record<CoordinatorTreatment, string>> = {
  retry: 'asks again after a pause',
  rediscover: 'looks for the coordinator anew, and asks there',
  wait: 'asks again soon: the coordinator is still ending the transaction before',
  abortable: 'the open transaction can only be aborted',
  fatal: 'the producer’s transactions are over',
  unexpected: 'the call fails',
};

export interface Page {
  readonly path: string;
  readonly text: string;
}

export function errorPages(): Page[] {
  const own = new Map(ownErrors.map((error) => [error.code, error]));
  const broker = new Map(
    [...brokerErrors].filter(({ code: number }) => number !== 0).map((error) => [error.name, error]),
  );
  const all = [...new Set([...own.keys(), ...broker.keys()])];
  return [
    { path: 'index.md', text: indexPage() },
    ...all.map((name) => ({ path: `${name}.md`, text: page(name, own.get(name), broker.get(name)) })),
  ];
}

function page(name: string, own: OwnError | undefined, broker: BrokerErrorInfo | undefined): string {
  const parts = [`---\nprev: false\nnext: false\n---\n\n# ${name}`];
  if (own !== undefined) {
    parts.push(
      `Class: ${own.classes.map(code).join(', ')}${broker === undefined ? '' : ', when kiel itself finds it'}.`,
    );
    parts.push(
      `## What it means\n\n${own.meaning}`,
      `## What the client did\n\n${own.did}`,
      `## What you do\n\n${own.todo}`,
    );
  }
  if (broker !== undefined) {
    const level = own === undefined ? '##' : '###';
    if (own !== undefined) parts.push('## As a broker’s answer');
    parts.push(brokerPart(broker, level));
  }
  parts.push('[All errors](./index.md)');
  return `${parts.join('\n\n')}\n`;
}

function brokerPart({ code: number, name, meaning, retriable }: BrokerErrorInfo, level: string): string {
  const { treatment } = treatmentOf(number);
  const coordinator = coordinatorTreatmentOf(number);
  const hint = coordinatorTodo[name] ?? hintOf(number);
  const isForeign = treatment === 'failRecord' && hint === null;
  const inTransactions =
    coordinator === 'unexpected' ? '' : ` From a coordinator of transactions: ${coordinatorDid[coordinator]}.`;
  const done = name in coordinatorTodo ? inTransactions.trim() : `${did[treatment]}${inTransactions}`;
  return [
    `Code ${number}. Kafka’s own clients ${retriable ? 'may send the same request again' : 'do not send the same request again'}.`,
    `${level} What it means\n\n${meaning}`,
    `${level} What the client did\n\n${isForeign ? foreignDid : done}`,
    `${level} What you do\n\n${hint ?? todo[treatment]}`,
  ].join('\n\n');
}

/** The table's own words, where it has some for this code. */
function hintOf(number: number): string | null {
  const { hint } = treatmentOf(number);
  return hint === treatmentOf(30_000).hint ? null : hint;
}

function indexPage(): string {
  const ownRows = ownErrors.map(({ code: name, classes, meaning }) => [
    link(name),
    classes.map(code).join(', '),
    meaning,
  ]);
  const brokerRows = [...brokerErrors]
    .filter(({ code: number }) => number !== 0)
    .map(({ code: number, name, meaning }) => [
      String(number),
      link(name),
      code(treatmentOf(number).treatment),
      meaning,
    ]);
  return `# Errors

Every error has a \`code\` that never changes, \`retriable\`, and a message that says what to do. Match on \`code\`:
\`instanceof\` fails where two copies of a package are installed.

A record that was not delivered rejects with a \`DeliveryError\`: \`persisted\` says whether it is in the log (\`'no'\`,
\`'possibly'\`, \`'yes'\`), \`hint\` what to do, \`cause\` what went before. Its \`code\` is one of kiel's own or Kafka's
name for the broker's answer.

## kiel's own

${table(['code', 'class', 'meaning'], ownRows)}

## Brokers' answers

What the third column means is said in [the table of treatments](../error-treatment.md). A code that a newer Kafka
brings is shown as \`UNKNOWN_\` and its number, and its record fails.

${table(['code', 'name', 'treatment', 'meaning'], brokerRows)}
`;
}

function link(name: string): string {
  return `[${code(name)}](./${name}.md)`;
}

export function treatmentTable(): string {
  const order: readonly Treatment[] = [
    'succeed',
    'retry',
    'refresh',
    'split',
    'resequence',
    'failRecord',
    'failProducer',
    'fence',
    'rebootstrap',
  ];
  const known = [...brokerErrors];
  return table(
    ['treatment', 'what the client did when you see it', 'codes'],
    order.map((treatment) => [
      code(treatment),
      did[treatment].replace(/^It /, ''),
      known
        .filter(({ code: number }) => treatmentOf(number).treatment === treatment)
        .map(({ code: number, name }) => (number === 0 ? 'NONE (0)' : `[${name}](./errors/${name}.md) (${number})`))
        .join(', '),
    ]),
  );
}

export function coordinatorTable(): string {
  const order: readonly CoordinatorTreatment[] = ['retry', 'rediscover', 'wait', 'abortable', 'fatal'];
  return table(
    ['treatment', 'what the client does', 'codes'],
    order.map((treatment) => [
      code(treatment),
      coordinatorDid[treatment],
      [...brokerErrors]
        .filter(({ code: number }) => number !== 0 && coordinatorTreatmentOf(number) === treatment)
        .map(({ code: number, name }) => `[${name}](./errors/${name}.md) (${number})`)
        .join(', '),
    ]),
  );
}
