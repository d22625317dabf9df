import { expectTypeOf, test } from 'vitest';
import type * as producer from '../../producer/src/ports.ts';
import type * as own from '../src/ports.ts';

test('the ports are those of the producer, in both directions', () => {
  expectTypeOf<own.Clock>().toEqualTypeOf<producer.Clock>();
  expectTypeOf<own.Random>().toEqualTypeOf<producer.Random>();
  expectTypeOf<own.Address>().toEqualTypeOf<producer.Address>();
  expectTypeOf<own.Socket>().toEqualTypeOf<producer.Socket>();
  expectTypeOf<own.SocketEvents>().toEqualTypeOf<producer.SocketEvents>();
  expectTypeOf<own.Transport>().toEqualTypeOf<producer.Transport>();
});
