import { fromCallback } from 'xstate';
import { backoffMs } from './backoff.ts';
import { brokerMachine } from './broker-machine.ts';
import { idempotenceMachine } from './idempotence-machine.ts';
import type { Intake } from './intake.ts';
import { metadataMachine } from './metadata-machine.ts';
import type { MetadataRefresh } from './metadata-refresh.ts';
import type { Network } from './network.ts';
import type { Settings } from './options.ts';
import type { Random } from './ports.ts';
import type { ProducerId } from './producer-id.ts';
import { producerMachine } from './producer-machine.ts';
import type { Pump } from './pump.ts';
import type { Sender } from './sender.ts';
import { transactionMachine } from './transaction-machine.ts';
import type { Transactions } from './transactions.ts';

export interface WiringParts {
  readonly intake: Intake;
  readonly sender: Sender;
  readonly network: Network;
  readonly pump: Pump;
  readonly metadata: MetadataRefresh;
  readonly producerId: ProducerId;
  readonly transactions: Transactions | null;
  readonly random: Random;
  metadataFresh(): void;
  refuseRecords(): void;
  failBacklog(): void;
  release(): void;
}

/** The machines with everything bound that they decide on: what each of their guards, delays and actions is here. */
export function wireMachines(settings: Settings, parts: WiringParts): typeof producerMachine {
  const { intake, sender, network, pump, metadata, producerId, transactions, random } = parts;
  const backoff = ({ context }: { context: { failures: number } }) =>
    backoffMs(context.failures, settings.retryBackoffMs, settings.retryBackoffMaxMs, random);
  return producerMachine.provide({
    actors: {
      sender: fromCallback<{ type: 'drain' }>(({ receive }) => {
        receive(() => pump.drain());
      }),
      metadata: metadataMachine.provide({
        guards: {
          isComplete: () => intake.waitingTopics.size === 0 && !sender.isStuck,
          hasUnasked: () => metadata.hasUnasked,
          isInUse: () => metadata.hasTopics,
        },
        delays: { maxAge: () => settings.metadataMaxAgeMs, backoff },
        actions: {
          fetch: () => metadata.fetch(),
          reportFresh: () => parts.metadataFresh(),
        },
      }),
      idempotence: idempotenceMachine.provide({
        delays: { backoff },
        actions: {
          requestId: () => producerId.request(),
          adopt: ({ context }) => sender.adopt({ producerId: BigInt(context.producerId!), epoch: context.epoch }),
          giveUpIdempotence: () => producerId.giveUp(),
        },
      }),
      transaction: transactionMachine.provide(transactions?.implementations() ?? {}),
      broker: brokerMachine.provide(network.implementations()),
    },
    actions: {
      refuseRecords: () => parts.refuseRecords(),
      failBacklog: () => parts.failBacklog(),
      release: () => parts.release(),
    },
  });
}
