import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import type { Reporter, TestModule } from 'vitest/node';
import { coverageFolder, type MachineCoverage } from '../../tools/machines/transitions.ts';

/**
 * Closes a run with what was taken of each state machine, and one plain line that scripts can read:
 * `tests: N passed, N failed, N skipped`.
 */
export default class SummaryReporter implements Reporter {
  onTestRunStart(): void {
    rmSync(coverageFolder, { recursive: true, force: true });
  }

  onTestRunEnd(modules: readonly TestModule[]): void {
    let passed = 0;
    let failed = 0;
    let skipped = 0;
    for (const module of modules) {
      if (!module.ok() && module.errors().length > 0) failed++;
      for (const test of module.children.allTests()) {
        const { state } = test.result();
        if (state === 'passed') passed++;
        else if (state === 'failed') failed++;
        else skipped++;
      }
    }
    for (const line of machineReport()) process.stdout.write(`${line}\n`);
    process.stdout.write(`\ntests: ${passed} passed, ${failed} failed, ${skipped} skipped\n`);
  }
}

/** One line a machine that any test ran, and one for each state or transition that none took. */
function machineReport(): string[] {
  if (!existsSync(coverageFolder)) return [];
  const machines = new Map<string, { taken: Set<string>; states: Set<string>; transitions: Set<string> }>();
  for (const file of readdirSync(coverageFolder)) {
    const report = JSON.parse(readFileSync(`${coverageFolder}/${file}`, 'utf8')) as Record<string, MachineCoverage>;
    for (const [id, coverage] of Object.entries(report)) {
      const machine = machines.get(id) ?? { taken: new Set(), states: new Set(), transitions: new Set() };
      machines.set(id, machine);
      for (const name of [...coverage.states, ...coverage.transitions]) machine.taken.add(name);
      for (const name of coverage.allStates) machine.states.add(name);
      for (const name of coverage.allTransitions) machine.transitions.add(name);
    }
  }
  const lines = ['', 'machines, as the tests took them:'];
  for (const [id, { taken, states, transitions }] of [...machines].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const statesLeft = [...states].filter((name) => !taken.has(name));
    const transitionsLeft = [...transitions].filter((name) => !taken.has(name));
    const count = (all: Set<string>, left: string[]) => `${all.size - left.length}/${all.size}`;
    lines.push(`  ${id}: states ${count(states, statesLeft)}, transitions ${count(transitions, transitionsLeft)}`);
    for (const name of [...statesLeft, ...transitionsLeft]) lines.push(`    not taken: ${name}`);
  }
  return lines;
}
