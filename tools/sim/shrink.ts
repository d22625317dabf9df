import type { Burst, Scenario } from './scenario.ts';

/**
 * Looks for a smaller scenario that still fails: leaves out faults, then bursts, then halves counts, then drops
 * producer options, for as long as `fails` agrees and `budget` attempts are left.
 */
export async function shrink(
  scenario: Scenario,
  fails: (candidate: Scenario) => Promise<boolean>,
  budget = 80,
): Promise<Scenario> {
  let smallest = scenario;
  let left = budget;
  const take = async (candidate: Scenario): Promise<boolean> => {
    if (left-- <= 0 || !(await fails(candidate))) return false;
    smallest = candidate;
    return true;
  };

  // Halves first: most faults have nothing to do with the failure
  for (
    let size = Math.ceil(smallest.faults.length / 2);
    size >= 1 && left > 0;
    size = size === 1 ? 0 : Math.ceil(size / 2)
  ) {
    for (let at = 0; at < smallest.faults.length; ) {
      const faults = smallest.faults.filter((_, i) => i < at || i >= at + size);
      if (!(await take({ ...smallest, faults }))) at += size;
    }
  }
  for (let at = 0; at < smallest.workload.length && smallest.workload.length > 1; ) {
    if (!(await take({ ...smallest, workload: smallest.workload.filter((_, i) => i !== at) }))) at++;
  }
  for (let at = 0; at < smallest.workload.length; at++) {
    for (let burst = smallest.workload[at]!; burst.count > 1; ) {
      const halved: Burst = { ...burst, count: Math.floor(burst.count / 2) };
      if (!(await take({ ...smallest, workload: smallest.workload.map((b, i) => (i === at ? halved : b)) }))) break;
      burst = halved;
    }
  }
  for (let at = 0; at < (smallest.transactions?.length ?? 0); ) {
    const transactions = smallest.transactions!.filter((_, i) => i !== at);
    if (!(await take({ ...smallest, transactions }))) at++;
  }
  for (const name of Object.keys(smallest.producer)) {
    const { [name]: _, ...producer } = smallest.producer;
    await take({ ...smallest, producer });
  }
  return smallest;
}
