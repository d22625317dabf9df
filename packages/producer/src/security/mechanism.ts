/**
 * A SASL mechanism is a generator of messages: it yields what the client sends and is resumed with what the
 * broker answered. Framing, rounds, deadlines and error codes are the business of `authenticate`, so a
 * mechanism of your own is one function that knows nothing of Kafka.
 */
export interface SaslMechanism {
  /** As it goes over the wire, e.g. `SCRAM-SHA-256`. */
  readonly name: string;
  /**
   * Called once for each authentication and re-authentication; calls for several brokers run at once. An
   * empty answer is an empty array. Returning means that the mechanism itself is content; the broker's word
   * is final either way.
   *
   * When the broker refuses, its error is thrown into the generator at the pending `yield`: catch it only to
   * say more.
   *
   * @throws AuthenticationError, `retriable` when the same attempt may succeed later.
   */
  authenticate(context: SaslContext): AsyncGenerator<Uint8Array, void, Uint8Array>;
}

/** Who is spoken to, and until when. */
export interface SaslContext {
  /** The broker's advertised name, or the bootstrap's: what a ticket or a signature is made out to. */
  readonly host: string;
  readonly port: number;
  /** `null` on a bootstrap connection, whose node is not known yet. */
  readonly nodeId: number | null;
  /** Aborted when the connection is given up. */
  readonly signal: AbortSignal;
}
