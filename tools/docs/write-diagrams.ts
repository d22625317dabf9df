import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { diagramOf } from '../machines/diagram.ts';
import { machines } from './pages/machines.ts';

/**
 * Writes each machine's Mermaid text anew under its `<!-- machine: NAME -->`, after a machine has changed:
 * `node --conditions=@kiel/source tools/docs/write-diagrams.ts`.
 */
for (const page of ['index.md', 'concepts/states.md', 'guide/transactions.md']) {
  const path = fileURLToPath(new URL(`../../docs/${page}`, import.meta.url));
  const text = readFileSync(path, 'utf8');
  const written = text.replace(
    /(<!-- machine: (\w+) -->\n)```mermaid\n[\s\S]*?\n```/g,
    (_, mark: string, name: string) => {
      const machine = machines.find(({ id }) => id === name);
      if (machine === undefined) throw new Error(`${page} names a machine that is not there: ${name}`);
      return `${mark}\`\`\`mermaid\n${diagramOf(machine)}\n\`\`\``;
    },
  );
  if (written !== text) writeFileSync(path, written);
}
