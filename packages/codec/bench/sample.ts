/** Records like those of an order log: 195 B of JSON, the same on every run. */
export function orderLines(count: number): Uint8Array[] {
  let state = 20261124;
  const next = (limit: number) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
  const cities = ['Berlin', 'München', 'Lagos', 'Osaka', 'Lima', 'Oslo', 'Pune', 'Quito'];
  return Array.from({ length: count }, (_, i) => {
    const order = {
      id: `order-${100000 + i}`,
      customer: `customer-${next(20000)}`,
      city: cities[next(8)],
      items: next(12) + 1,
      amount: next(100000) / 100,
      currency: 'EUR',
      status: ['new', 'paid', 'sent', 'returned'][next(4)],
      at: 1_700_000_000_000 + i * 37,
      note: next(3) ? '' : 'leave at the door',
    };
    return new TextEncoder().encode(JSON.stringify(order));
  });
}

/** Their bytes in a row, as many as asked for. */
export function orderBytes(size: number): Uint8Array {
  return Uint8Array.from(Buffer.concat(orderLines(Math.ceil(size / 150))).subarray(0, size));
}
