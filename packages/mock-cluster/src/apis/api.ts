import type { RequestMessage, ResponseMessage } from '@kiel/codec';
import type { Core, TransportKind } from '../core.ts';
import type { RequestFaults } from '../faults/request-faults.ts';
import type { Touched } from '../faults/rule.ts';
import type { Clock } from '../ports.ts';
import type { Session } from '../session.ts';
import type { BrokerNode } from '../state/cluster-state.ts';

/** Everything a handler may know about the request in hand. */
export interface Context {
  readonly core: Core;
  readonly broker: BrokerNode;
  readonly kind: TransportKind;
  readonly clock: Clock;
  readonly version: number;
  readonly client: string | null;
  readonly faults: RequestFaults;
  readonly session: Session;
}

/** An answer: at once; later, through the callback; or none, when the request wants none. */
export type Reply<Res> = Res | Later<Res> | NoReply;

/** An answer that comes later. */
export class Later<Res> {
  readonly start: (answer: (response: Res | NoReply) => void) => void;

  constructor(start: (answer: (response: Res | NoReply) => void) => void) {
    this.start = start;
  }
}

/** No bytes are sent back. `close` says why the connection ends instead, as brokers do for failed acks=0. */
export class NoReply {
  readonly close: string | null;
  /** The broker fails over the request: it neither answers nor reads on. */
  readonly isSilent: boolean;

  constructor(close: string | null = null, isSilent = false) {
    this.close = close;
    this.isSilent = isSilent;
  }
}

/** One API of the brokers: how its messages are read and written, and what it does. */
export interface Api<Req = unknown, Res = unknown> {
  readonly name: string;
  readonly key: number;
  readonly request: RequestMessage<Req, never>;
  readonly response: ResponseMessage<unknown, Res>;
  handle(context: Context, request: Req): Reply<Res>;
  /** The answer with an error that a rule asked for. Absent where `handle` looks at the faults itself. */
  fail?(request: Req, code: number, message: string | null, context: Context): Res;
  /** The partitions it is about. */
  touches?(request: Req, core: Core): readonly Touched[];
}

/** Ties an API's messages to its behaviour; the types of both come from the codec. */
export function defineApi<Req, ReqIn, Res, ResIn>(
  name: string,
  key: number,
  request: RequestMessage<Req, ReqIn>,
  response: ResponseMessage<Res, ResIn>,
  behaviour: Omit<Api<NoInfer<Req>, NoInfer<ResIn>>, 'name' | 'key' | 'request' | 'response'>,
): Api {
  return { name, key, request, response, ...behaviour } as unknown as Api;
}
