import {
  CodecError,
  encodeResponse,
  FrameDecoder,
  type IncomingRequestHeader,
  Reader,
  readMessage,
  readRequestHeader,
} from '@kiel/codec';
import { type Api, type Context, Later, NoReply } from './apis/api.ts';
import { servedApis } from './apis/index.ts';
import type { Broker } from './broker.ts';
import { Code, codeNumber } from './codes.ts';
import type { TransportKind } from './core.ts';
import { type Ending, type FaultPlan, planFor } from './faults/plan.ts';
import { RequestFaults } from './faults/request-faults.ts';
import type { Touched } from './faults/rule.ts';
import type { Clock, Peer, PeerEvents } from './ports.ts';
import { ReplyWriter } from './reply-writer.ts';
import type { RequestEntry } from './requests.ts';
import { newSession, type Session } from './session.ts';

const API_VERSIONS = 18;
/** What may be asked before the client has said who it is. */
const BEFORE_AUTHENTICATION: ReadonlySet<number> = new Set([API_VERSIONS, 17, 36]);
const NOTHING: readonly Touched[] = [];

/** A request on its way through the broker. */
interface Exchange {
  readonly api: Api;
  readonly version: number;
  readonly correlationId: number;
  readonly entry: RequestEntry | null;
  readonly plan: FaultPlan | null;
  /** The broker's deaths when it was read. */
  readonly deaths: number;
}

/** The broker's end of one connection. As real brokers do, it takes one request at a time and answers in order. */
export class Connection implements PeerEvents {
  readonly #broker: Broker;
  readonly #peer: Peer;
  readonly #clock: Clock;
  readonly #kind: TransportKind;
  readonly #decoder: FrameDecoder;
  readonly #session: Session = newSession();
  readonly #writer: ReplyWriter;
  #frames: Uint8Array[] = [];
  #next = 0;
  #isBusy = false;
  /** Closed, reset, or silent for good. */
  #isOver = false;
  #isThrottled = false;

  constructor(broker: Broker, peer: Peer, kind: TransportKind, clock: Clock) {
    this.#broker = broker;
    this.#peer = peer;
    this.#kind = kind;
    this.#clock = clock;
    const { maxRequestBytes } = broker.core.state.profile;
    this.#decoder = new FrameDecoder({ maxFrameBytes: maxRequestBytes, minFrameBytes: 0 });
    this.#writer = new ReplyWriter(peer, clock, broker.core.random);
  }

  get remote(): string {
    return this.#peer.remote;
  }

  data(chunk: Uint8Array): void {
    if (this.#isOver) return;
    let frames: Uint8Array[];
    try {
      frames = this.#decoder.push(chunk);
    } catch (error) {
      this.#refuse((error as Error).message, 'close');
      return;
    }
    for (const frame of frames) this.#frames.push(frame);
    this.#pump();
  }

  closed(): void {
    if (this.#isOver) return;
    if (this.#decoder.pendingBytes > 0) {
      this.#note(`the client left after ${this.#decoder.pendingBytes} bytes of a frame that never ended`);
    }
    this.#end();
  }

  /** The broker stops or goes on reading and answering, as a stopped process does. */
  suspend(): void {
    this.#peer.pause();
    this.#writer.hold();
  }

  resume(): void {
    this.#writer.release();
    if (!this.#isThrottled) this.#peer.resume();
    this.#pump();
  }

  /** The broker is gone. */
  abandon(how: Ending): void {
    if (!this.#isOver) this.#finish(how);
  }

  #pump(): void {
    while (!this.#isBusy && !this.#isOver && !this.#broker.isPaused && this.#next < this.#frames.length) {
      const frame = this.#frames[this.#next]!;
      this.#next++;
      if (this.#next === this.#frames.length) {
        this.#frames = [];
        this.#next = 0;
      }
      this.#isBusy = true;
      this.#take(frame);
    }
  }

  #take(frame: Uint8Array): void {
    if (this.#session.expectsRawToken) {
      this.#takeToken(frame);
      return;
    }
    const r = new Reader(frame);
    let header: IncomingRequestHeader;
    try {
      header = readRequestHeader(r);
    } catch (error) {
      // The header of an API that does not exist has no shape that could be relied on: its key says more.
      const { profile } = this.#broker.core.state;
      const apiKey = frame.length < 2 ? null : new DataView(frame.buffer, frame.byteOffset).getInt16(0);
      const isUnknown = apiKey !== null && !profile.listed.has(apiKey) && !profile.accepted.has(apiKey);
      const why = isUnknown
        ? `Kafka ${profile.version} has no API ${apiKey}`
        : `no request header: ${(error as Error).message}`;
      this.#refuse(why, 'close');
      return;
    }
    const { profile } = this.#broker.core.state;
    const { apiKey, correlationId, clientId } = header;
    const range = profile.accepted.get(apiKey) ?? profile.listed.get(apiKey);
    const isTooNew = range !== undefined && header.apiVersion > range.max;
    const version = isTooNew && profile.ignoresVersions ? range.max : header.apiVersion;
    const api = servedApis.get(apiKey);
    if (range === undefined || api === undefined) {
      const why =
        range === undefined ? `Kafka ${profile.version} has no API ${apiKey}` : `API ${apiKey} is not served here`;
      this.#refuse(why, 'close', header);
      return;
    }
    if (version < range.min || version > range.max) {
      const why = `${api.name} v${version} is not served by Kafka ${profile.version}, only ${range.min} to ${range.max}`;
      if (apiKey === API_VERSIONS) this.#answerOldestApiVersions(header, why, range);
      else this.#refuse(why, 'close', header);
      return;
    }
    if (this.#broker.core.sasl !== null && this.#session.principal === null && !BEFORE_AUTHENTICATION.has(apiKey)) {
      this.#refuse(`${api.name} came before authentication`, 'close', header);
      return;
    }
    if (this.#clock.now() >= this.#session.expiresAtMs && !BEFORE_AUTHENTICATION.has(apiKey)) {
      this.#refuse(`${api.name} came after the session had ended`, 'close', header);
      return;
    }
    let request: unknown;
    try {
      // Bytes after the message are let pass, as brokers do.
      request = readMessage(r, api.request, version);
    } catch (error) {
      if (!(error instanceof CodecError)) throw error;
      this.#refuse(`it cannot be read: ${error.message}`, 'close', header);
      return;
    }
    this.#begin(api, { version, correlationId, client: clientId, bytes: frame.length }, request);
  }

  #begin(
    api: Api,
    facts: {
      readonly version: number;
      readonly correlationId: number;
      readonly client: string | null;
      readonly bytes: number;
    },
    request: unknown,
  ): void {
    const { core, requests, node } = this.#broker;
    const { version, correlationId, client } = facts;
    const isWatched = requests.isOn;
    const touched = isWatched || !core.rules.isEmpty ? (api.touches?.(request, core) ?? NOTHING) : NOTHING;
    const nowMs = this.#broker.sinceStart(this.#clock);
    let plan: FaultPlan | null = null;
    if (!core.rules.isEmpty) {
      const rules = core.rules.take({ api: api.name, broker: node.id, client, touched, nowMs });
      if (rules.length > 0) plan = planFor(rules, core, request, touched, this.#broker.staleViews);
    }
    let entry: RequestEntry | null = null;
    if (isWatched) {
      entry = {
        id: requests.nextId(),
        atMs: nowMs,
        broker: node.id,
        remote: this.remote,
        api: api.name,
        ...facts,
        request,
        response: null,
        outcome: 'pending',
        reason: null,
        faults: plan?.sentences ?? [],
        touched,
        answeredMs: -1,
      };
      requests.add(entry);
    }
    const exchange: Exchange = { api, version, correlationId, entry, plan, deaths: this.#broker.deaths };
    const context: Context = {
      core,
      broker: node,
      kind: this.#kind,
      clock: this.#clock,
      version,
      client,
      faults: plan?.faults ?? new RequestFaults(),
      session: this.#session,
    };
    if (plan === null || plan.delayMs === 0) this.#handle(exchange, context, request);
    else this.#clock.setTimeout(() => this.#handle(exchange, context, request), plan.delayMs);
  }

  #handle(exchange: Exchange, context: Context, request: unknown): void {
    const { api, plan, deaths } = exchange;
    // A request that was read is handled, though its client may have gone meanwhile; it goes with its broker only.
    if (this.#broker.deaths !== deaths) {
      this.#settle(exchange.entry, 'closed', 'the broker ended while the request waited');
      return;
    }
    if (plan !== null && plan.endsBefore !== null) {
      this.#settle(
        exchange.entry,
        plan.endsBefore === 'mute' ? 'unanswered' : 'closed',
        'by a rule, before it was handled',
      );
      if (!this.#isOver) this.#finish(plan.endsBefore);
      if (plan.faults.killsBroker) this.#broker.core.acts.killBroker(this.#broker.node.id);
      return;
    }
    this.#session.lastRefusal = null;
    const error = context.faults.any;
    if (error !== null && api.fail !== undefined) {
      this.#answer(exchange, api.fail(request, codeNumber(error.error)!, error.message ?? null, context));
      return;
    }
    const reply = api.handle(context, request);
    if (reply instanceof Later) reply.start((response) => this.#answer(exchange, response));
    else this.#answer(exchange, reply);
  }

  #answer(exchange: Exchange, response: unknown): void {
    const { entry, plan } = exchange;
    if (entry !== null && !(response instanceof NoReply)) entry.response = response;
    if (entry !== null && this.#session.lastRefusal !== null) entry.reason = this.#session.lastRefusal;
    if (this.#isOver) {
      this.#settle(entry, 'closed', 'the connection ended before the answer');
      return;
    }
    if (response instanceof NoReply) {
      if (response.close === null) this.#settle(entry, 'unanswered', null);
      else {
        this.#settle(entry, 'closed', response.close);
        if (!response.isSilent) this.#finish('close');
      }
      if (response.isSilent) return;
      this.#done();
      return;
    }
    if (plan !== null && plan.delayReplyMs > 0) {
      this.#clock.setTimeout(() => this.#send(exchange, response), plan.delayReplyMs);
    } else this.#send(exchange, response);
  }

  #send(exchange: Exchange, response: unknown): void {
    const { api, version, correlationId, entry, plan } = exchange;
    if (this.#isOver) {
      this.#settle(entry, 'closed', 'the connection ended before the answer');
      return;
    }
    if (plan !== null && plan.endsAfter !== null) {
      this.#settle(entry, plan.endsAfter === 'mute' ? 'unanswered' : 'closed', 'by a rule, after it was handled');
      this.#finish(plan.endsAfter);
      return;
    }
    const throttleMs = plan?.faults.throttleMs ?? 0;
    const { delaysThrottled } = this.#broker.core.state.profile;
    if (throttleMs > 0 && delaysThrottled) {
      plan!.faults.throttleMs = 0;
      this.#clock.setTimeout(() => this.#send(exchange, response), throttleMs);
      return;
    }
    const id = plan?.reply?.correlationId ?? correlationId;
    const bytes = encodeResponse({ message: api.response, version, correlationId: id, body: response });
    this.#settle(entry, 'answered', null);
    const ends = this.#writer.send(bytes, plan?.reply ?? null);
    if (ends) this.#finish('close');
    if (throttleMs > 0 && !this.#isOver) this.#throttle(throttleMs);
    this.#done();
  }

  #done(): void {
    this.#isBusy = false;
    this.#pump();
  }

  #throttle(throttleMs: number): void {
    this.#isThrottled = true;
    this.#peer.pause();
    this.#clock.setTimeout(() => {
      this.#isThrottled = false;
      if (!this.#isOver && !this.#broker.isPaused) this.#peer.resume();
    }, throttleMs);
  }

  /** A version of ApiVersions that the broker does not know is answered in version 0, with code 35. */
  #answerOldestApiVersions(header: IncomingRequestHeader, reason: string, range: { min: number; max: number }): void {
    const { profile } = this.#broker.core.state;
    const { min: minVersion, max: maxVersion } = range;
    const apiKeys = profile.namesApiVersionsRange ? [{ apiKey: API_VERSIONS, minVersion, maxVersion }] : [];
    const body = { errorCode: Code.UNSUPPORTED_VERSION, apiKeys };
    const api = servedApis.get(API_VERSIONS)!;
    const { correlationId } = header;
    const entry = this.#note(reason, header, 'answered');
    if (entry !== null) entry.response = body;
    this.#writer.send(encodeResponse({ message: api.response, version: 0, correlationId, body }), null);
    this.#done();
  }

  /** After SaslHandshake v0 the frames are bare tokens. */
  #takeToken(token: Uint8Array): void {
    const { exchange } = this.#session;
    if (exchange === null) {
      this.#refuse('a SASL token came with no exchange going on', 'close');
      return;
    }
    const step = exchange.next(token);
    const failed = step.kind === 'failed';
    if (step.kind !== 'continue') {
      this.#session.expectsRawToken = false;
      this.#session.exchange = null;
    }
    if (step.kind === 'done') this.#session.principal = step.principal;
    if (failed) {
      this.#refuse(step.reason, 'close');
      return;
    }
    const frame = new Uint8Array(4 + step.token.length);
    new DataView(frame.buffer).setInt32(0, step.token.length);
    frame.set(step.token, 4);
    this.#writer.send(frame, null);
    this.#done();
  }

  #refuse(reason: string, how: Ending, header?: IncomingRequestHeader): void {
    this.#note(reason, header);
    this.#finish(how);
  }

  /** Keeps something that never became a request that could be handled. */
  #note(
    reason: string,
    header?: IncomingRequestHeader,
    outcome: 'closed' | 'answered' = 'closed',
  ): RequestEntry | null {
    const { requests, node } = this.#broker;
    if (!requests.isOn) return null;
    const entry: RequestEntry = {
      id: requests.nextId(),
      atMs: this.#broker.sinceStart(this.#clock),
      broker: node.id,
      remote: this.remote,
      api: header === undefined ? null : (servedApis.get(header.apiKey)?.name ?? null),
      version: header?.apiVersion ?? -1,
      correlationId: header?.correlationId ?? -1,
      client: header?.clientId ?? null,
      bytes: 0,
      request: null,
      response: null,
      outcome,
      reason,
      faults: [],
      touched: NOTHING,
      answeredMs: -1,
    };
    requests.add(entry);
    requests.settled(entry);
    return entry;
  }

  #settle(entry: RequestEntry | null, outcome: RequestEntry['outcome'], reason: string | null): void {
    if (entry === null || entry.outcome !== 'pending') return;
    entry.outcome = outcome;
    if (reason !== null) entry.reason = reason;
    if (outcome === 'answered') entry.answeredMs = this.#broker.sinceStart(this.#clock);
    this.#broker.requests.settled(entry);
  }

  #finish(how: Ending): void {
    if (how === 'close') this.#peer.end();
    else if (how === 'reset') this.#peer.reset();
    else if (how === 'black-hole') this.#peer.blackHole();
    this.#end();
  }

  #end(): void {
    this.#isOver = true;
    this.#frames = [];
    this.#broker.forget(this);
    for (const callback of [...this.#session.onEnd]) callback();
    this.#session.onEnd.clear();
  }
}
