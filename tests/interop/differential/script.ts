import { AdministrationScript } from './administration.ts';
import { ClusterScript } from './clusters.ts';
import { RecordScript } from './records.ts';
import { Steps } from './steps.ts';
import type { Target } from './target.ts';
import { TransactionScript } from './transactions.ts';

/** Plays the whole script to one broker. Topics are named after `prefix`, so that brokers can be shared. */
export async function play(target: Target, prefix: string): Promise<void> {
  const ids = new Map<string, string>();
  const steps = new Steps(target, prefix, ids);
  await steps.awakenCoordinators();
  await steps.topics();
  await new RecordScript(target, prefix, ids).run();
  await new TransactionScript(target, prefix, ids).run();
  await new ClusterScript(target, prefix, ids).run();
  await new AdministrationScript(target, prefix, ids).run();
}
