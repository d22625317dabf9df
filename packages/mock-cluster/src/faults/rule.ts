import type { SeededRandom } from '../clock/random.ts';
import { codeNumber } from '../codes.ts';
import { type Action, type ActionName, actionNames, FaultSyntaxError, parseAction, printAction } from './action.ts';
import { checkApi, checkRuleOptions } from './names.ts';

/** Which requests a rule looks at; what is left out matches all. */
export interface Where {
  readonly broker?: number;
  readonly topic?: string;
  readonly partition?: number;
  /** The client id of the request. */
  readonly client?: string;
}

/** When a rule acts on the requests it looks at; what is left out is always. */
export interface When {
  /** At most so many. */
  readonly times?: number;
  /** Not on the first so many. */
  readonly after?: number;
  /** Each with this probability, drawn from the cluster's seed. */
  readonly probability?: number;
  /** Not before and not after these moments of the cluster's clock, in milliseconds since its start. */
  readonly fromMs?: number;
  readonly untilMs?: number;
}

/** Where, when and what. */
export interface RuleOptions extends Where, When {
  /** What happens: a name, an object, a sentence such as `error NOT_LEADER_OR_FOLLOWER`, or several in order. */
  readonly then: Action | string | readonly (Action | string)[];
}

/** A partition that a request is about, for rules to match. */
export interface Touched {
  readonly topic: string;
  readonly partition: number;
}

/** What a rule is matched against. */
export interface Occasion {
  readonly api: string;
  readonly broker: number;
  readonly client: string | null;
  readonly touched: readonly Touched[];
  readonly nowMs: number;
}

/** A fault that waits for its occasions. Prints as the sentence that `parseFault` reads. */
export class Rule {
  readonly api: string;
  readonly where: Where;
  readonly when: When;
  readonly actions: readonly Action[];
  /** Requests that it looked at, and those it acted on. */
  seen = 0;
  acted = 0;
  readonly #remove: (rule: Rule) => void;

  constructor(api: string, options: RuleOptions, remove: (rule: Rule) => void) {
    checkApi(api);
    checkRuleOptions(options);
    this.api = api;
    const { then, broker, topic, partition, client, times, after, probability, fromMs, untilMs } = options;
    this.where = { ...given({ broker, topic, partition, client }) } as Where;
    this.when = { ...given({ times, after, probability, fromMs, untilMs }) } as When;
    const list = (Array.isArray(then) ? then : [then]) as readonly (Action | string)[];
    this.actions = list.map((action) => (typeof action === 'string' ? parseAction(action) : checked(action)));
    if (times !== undefined && times < 1) throw new FaultSyntaxError(`a rule that acts ${times} times never acts`);
    if (probability !== undefined && !(probability >= 0 && probability <= 1)) {
      throw new FaultSyntaxError(`${probability} is no probability: use 0 to 1`);
    }
    this.#remove = remove;
  }

  remove(): void {
    this.#remove(this);
  }

  /** Whether a partition is one that this rule is about. */
  isAbout(topic: string, partition: number): boolean {
    const { where } = this;
    return (where.topic ?? topic) === topic && (where.partition ?? partition) === partition;
  }

  /** Asks whether to act, and counts. */
  takes(occasion: Occasion, random: SeededRandom): boolean {
    if (!this.#matches(occasion)) return false;
    this.seen++;
    const { times, after, probability } = this.when;
    if (after !== undefined && this.seen <= after) return false;
    if (times !== undefined && this.acted >= times) return false;
    if (probability !== undefined && random.next() >= probability) return false;
    this.acted++;
    return true;
  }

  #matches({ api, broker, client, touched, nowMs }: Occasion): boolean {
    if (this.api !== '*' && this.api !== api) return false;
    if (this.api === '*' && api === 'Connect') return false;
    const { where, when } = this;
    if (where.broker !== undefined && where.broker !== broker) return false;
    if (where.client !== undefined && where.client !== client) return false;
    if (when.fromMs !== undefined && nowMs < when.fromMs) return false;
    if (when.untilMs !== undefined && nowMs > when.untilMs) return false;
    if (where.topic === undefined && where.partition === undefined) return true;
    return touched.some((t) => this.isAbout(t.topic, t.partition));
  }

  toString(): string {
    const { where, when } = this;
    const left: string[] = [this.api];
    if (where.broker !== undefined) left.push(`broker ${where.broker}`);
    if (where.topic !== undefined) left.push(`topic ${where.topic}`);
    if (where.partition !== undefined) left.push(`partition ${where.partition}`);
    if (where.client !== undefined) left.push(`client ${where.client}`);
    const right: string[] = [];
    if (when.after !== undefined) right.push(`after ${when.after}`);
    if (when.times !== undefined) right.push(when.times === 1 ? '1 time' : `${when.times} times`);
    if (when.probability !== undefined) right.push(`with probability ${when.probability}`);
    if (when.fromMs !== undefined) right.push(`from ${when.fromMs} ms`);
    if (when.untilMs !== undefined) right.push(`until ${when.untilMs} ms`);
    return `${left.join(', ')}: ${[...right, ...this.actions.map(printAction)].join(', ')}`;
  }
}

/** A fault in words, taken apart. */
export interface ParsedFault {
  readonly api: string;
  readonly options: RuleOptions;
}

/**
 * Reads a fault such as `Produce: 2 times, error NOT_LEADER_OR_FOLLOWER` or
 * `Fetch, broker 1, topic orders, partition 0: after 3, with probability 0.5, delay 200 ms`.
 */
export function parseFault(text: string): ParsedFault {
  const colon = text.indexOf(':');
  if (colon < 0)
    throw new FaultSyntaxError(`"${text}" has no colon: write "API: what happens", as in "Produce: 2 times, close"`);
  const [api = '', ...places] = text
    .slice(0, colon)
    .split(',')
    .map((part) => part.trim());
  if (!/^(\*|[A-Z][A-Za-z]+)$/.test(api))
    throw new FaultSyntaxError(`"${api}" is no name of an API, such as Produce, or *`);
  const options: Record<string, unknown> = {};
  for (const place of places) {
    const match = /^(broker|topic|partition|client) (.+)$/.exec(place);
    if (match === null)
      throw new FaultSyntaxError(`"${place}" says no place: use broker N, topic NAME, partition N, client ID`);
    const isNumber = match[1] === 'broker' || match[1] === 'partition';
    if (isNumber && !/^\d+$/.test(match[2]!)) throw new FaultSyntaxError(`"${place}" needs a number`);
    options[match[1]!] = isNumber ? Number(match[2]) : match[2];
  }
  const actions: Action[] = [];
  for (const clause of clauses(text.slice(colon + 1))) {
    const match = /^(?:(\d+) times?|after (\d+)|with probability (\d*\.?\d+)|from (\d+) ms|until (\d+) ms)$/.exec(
      clause,
    );
    if (clause === 'once') options['times'] = 1;
    else if (clause === 'always') continue;
    else if (match === null) actions.push(parseAction(clause));
    else if (match[1] !== undefined) options['times'] = Number(match[1]);
    else if (match[2] !== undefined) options['after'] = Number(match[2]);
    else if (match[3] !== undefined) options['probability'] = Number(match[3]);
    else if (match[4] !== undefined) options['fromMs'] = Number(match[4]);
    else options['untilMs'] = Number(match[5]);
  }
  if (actions.length === 0) throw new FaultSyntaxError(`"${text}" says when, but not what happens`);
  return { api, options: { ...options, then: actions } as RuleOptions };
}

/** The parts between commas, quoted text left whole. */
function clauses(text: string): string[] {
  return (text.match(/(?:[^,"]|"[^"]*")+/g) ?? []).map((part) => part.trim()).filter((part) => part !== '');
}

function given(values: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
}

function checked(action: Action): Action {
  if (typeof action === 'object' && 'error' in action && codeNumber(action.error) === undefined) {
    throw new FaultSyntaxError(`there is no error code called "${action.error}"`);
  }
  return action;
}

/** The rules of a cluster, in the order they were added. */
export class Rules {
  readonly #rules: Rule[] = [];
  readonly #random: SeededRandom;

  constructor(random: SeededRandom) {
    this.#random = random.fork('rules');
  }

  get isEmpty(): boolean {
    return this.#rules.length === 0;
  }

  all(): readonly Rule[] {
    return this.#rules;
  }

  add(api: string, options: RuleOptions): Rule {
    const rule = new Rule(api, options, (removed) => {
      const at = this.#rules.indexOf(removed);
      if (at >= 0) this.#rules.splice(at, 1);
    });
    this.#rules.push(rule);
    return rule;
  }

  clear(): void {
    this.#rules.length = 0;
  }

  /** The rules that act on this occasion. */
  take(occasion: Occasion): Rule[] {
    return this.#rules.filter((rule) => rule.takes(occasion, this.#random));
  }
}

export function isActionName(text: string): text is ActionName {
  return (actionNames as readonly string[]).includes(text);
}
