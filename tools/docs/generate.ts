import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { coordinatorTable, errorPages, treatmentTable } from './pages/errors.ts';
import { countOfApis, versionsTable } from './pages/kafka-versions.ts';
import { kipTable } from './pages/kips.ts';
import { machinePictures } from './pages/machines.ts';
import { optionsPage } from './pages/options.ts';

const docs = fileURLToPath(new URL('../../docs/', import.meta.url));

/** Writes what the site shows of the code: parts of pages into `docs/generated`, and a page for each error. */
export async function generate(): Promise<void> {
  const parts = `${docs}generated`;
  const errors = `${docs}reference/errors`;
  for (const folder of [parts, errors]) {
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
  }
  const { apis, versions } = countOfApis();
  writeFileSync(`${parts}/options.md`, optionsPage());
  writeFileSync(`${parts}/error-treatment.md`, `${treatmentTable()}\n`);
  writeFileSync(`${parts}/coordinator-treatment.md`, `${coordinatorTable()}\n`);
  writeFileSync(`${parts}/kafka-versions.md`, `${versionsTable()}\n`);
  writeFileSync(
    `${parts}/kafka-counts.md`,
    `${apis} APIs in ${versions} versions, each with its request and its response.\n`,
  );
  writeFileSync(`${parts}/kips.md`, `${kipTable()}\n`);
  writeFileSync(`${parts}/machines.json`, JSON.stringify(await machinePictures()));
  for (const { path, text } of errorPages()) writeFileSync(`${errors}/${path}`, text);
}
