import type { ActorRefFrom } from 'xstate';
import type { Accumulator } from '../accumulator.ts';
import type { BrokerLink } from '../broker-link.ts';
import type { EventSink } from '../events.ts';
import type { Intake } from '../intake.ts';
import type { Settings } from '../options.ts';
import type { Clock } from '../ports.ts';
import type { producerMachine } from '../producer-machine.ts';
import type { Watcher } from '../watcher.ts';

/** The parts of a running producer that an inspector reads. It changes none of them. */
export interface EngineView {
  readonly settings: Settings;
  readonly clock: Clock;
  readonly accumulator: Accumulator;
  readonly links: ReadonlyMap<string, BrokerLink>;
  readonly actor: ActorRefFrom<typeof producerMachine>;
  readonly events: EventSink;
  /** Produce requests without answer. */
  inFlightRequests(): number;
  readonly intake: Intake;
  /** Tells from now on; the function returned ends it. */
  watch(watcher: Watcher): () => void;
}
