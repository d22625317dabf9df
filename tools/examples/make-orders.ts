/** Writes examples/orders.ndjson, the orders of the demo: a second run leaves no diff. `node tools/examples/make-orders.ts` */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { exampleOrders } from '../../packages/cli/src/sending/example-orders.ts';

const lines = [...exampleOrders()];
const target = fileURLToPath(new URL('../../examples/orders.ndjson', import.meta.url));
writeFileSync(target, lines.join('\n') + '\n');
process.stdout.write(`${lines.length} orders written to examples/orders.ndjson\n`);
