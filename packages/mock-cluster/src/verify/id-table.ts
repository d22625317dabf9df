/**
 * Values by the ids of records. Ids usually count up from 0, and then an array is several times faster and smaller
 * than a map; any other number goes into a map.
 */
export class IdTable<Value> {
  readonly #dense: (Value | undefined)[] = [];
  readonly #rest = new Map<number, Value>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get(id: number): Value | undefined {
    return this.#dense[id] ?? (this.#rest.size > 0 ? this.#rest.get(id) : undefined);
  }

  has(id: number): boolean {
    return this.get(id) !== undefined;
  }

  set(id: number, value: Value): void {
    if (id === this.#dense.length && this.#rest.size === 0) {
      this.#dense.push(value);
      this.#size++;
      return;
    }
    if (!this.has(id)) this.#size++;
    // An id far ahead would make the array sparse; in order, gaps of a few thousand are none.
    if (Number.isInteger(id) && id >= 0 && id < this.#dense.length + 4_096 && !this.#rest.has(id)) {
      while (this.#dense.length < id) this.#dense.push(undefined);
      this.#dense[id] = value;
    } else this.#rest.set(id, value);
  }

  *values(): Generator<Value> {
    for (const value of this.#dense) if (value !== undefined) yield value;
    yield* this.#rest.values();
  }

  *entries(): Generator<[number, Value]> {
    for (const [id, value] of this.#dense.entries()) if (value !== undefined) yield [id, value];
    yield* this.#rest.entries();
  }
}
