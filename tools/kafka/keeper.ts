import { type ChildProcess, spawn } from 'node:child_process';

// Reads `add PID` and `del PID`; at the end of its input, however that came about, it kills what is left and
// removes the folder. A parent that is killed outright cannot clean up, but its pipe still closes.
const script = `
pids=
while read -r verb pid; do
  case $verb in
    add) pids="$pids $pid" ;;
    del) rest=; for p in $pids; do [ "$p" = "$pid" ] || rest="$rest $p"; done; pids=$rest ;;
  esac
done
for p in $pids; do kill -KILL "$p" 2>/dev/null; done
rm -rf -- "$1"
`;

/** A small process that outlives this one for a moment, so that no broker does. */
export class Keeper {
  readonly #child: ChildProcess;
  readonly #ended: Promise<void>;

  constructor(folder: string) {
    this.#child = spawn('sh', ['-c', script, 'sh', folder], {
      stdio: ['pipe', 'ignore', 'ignore'],
      detached: true,
    });
    this.#ended = new Promise((resolve) => this.#child.once('exit', () => resolve()));
    this.#child.stdin?.on('error', () => {});
    this.#child.unref();
    (this.#child.stdin as unknown as { unref?: () => void } | null)?.unref?.();
  }

  watch(pid: number): void {
    this.#child.stdin?.write(`add ${pid}\n`);
  }

  forget(pid: number): void {
    this.#child.stdin?.write(`del ${pid}\n`);
  }

  /** Kills what is still watched and removes the folder. */
  async end(): Promise<void> {
    this.#child.ref();
    this.#child.stdin?.end();
    await this.#ended;
  }
}
