import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import { addInspect } from './options/inspecting.ts';
import { addDecode, addMeta, addRead } from './options/reading.ts';
import { addBench, addDemo, addMock, addProduce } from './options/sending.ts';
import { type CommandContext, type SetExitCode, subcommand } from './options/subcommand.ts';
import type { Terminal } from './terminal/output.ts';

/**
 * The tree of commands. Each action loads its code when it runs, so that `kiel --help` does not wait for all
 * of Kafka's messages.
 */
export function createProgram(terminal: Terminal, setExitCode: SetExitCode): Command {
  const program = new Command('kiel')
    .description('Kafka at the command line: produce, read, decode the wire and the log, run a mock cluster.')
    .version(version(), '-V, --version')
    .enablePositionalOptions()
    .showHelpAfterError('(kiel --help shows the commands)')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => terminal.out.write(text),
      writeErr: (text) => terminal.err.write(text),
      getOutHasColors: () => terminal.out.isTerminal,
      getErrHasColors: () => terminal.err.isTerminal,
      outputError: (text, write) => write(text.replace(/^error: /, 'kiel: ')),
    })
    .addHelpText(
      'after',
      '\nExit codes: 0 done, 1 something was not stored or is not right, 2 called wrongly, 130 interrupted.',
    );
  const context = { program, terminal, setExitCode };
  addProduce(context);
  addRead(context);
  addMeta(context);
  addDecode(context);
  addMock(context);
  addDemo(context);
  addBench(context);
  addInspect(context);
  addCompletion(context);
  return program;
}

function version(): string {
  const manifest = readFileSync(new URL('../package.json', import.meta.url), 'utf8');
  return (JSON.parse(manifest) as { version: string }).version;
}

function addCompletion(context: CommandContext): void {
  subcommand(context, 'completion', "Print a shell's completion script.", [
    'source <(kiel completion bash)',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is the shell's syntax.
    'kiel completion zsh > "${fpath[1]}/_kiel"',
    'kiel completion fish > ~/.config/fish/completions/kiel.fish',
  ])
    .argument('<shell>', 'bash, zsh or fish')
    .action(async (shell: string) => {
      const { completionScript } = await import('./commands/completion.ts');
      context.terminal.out.write(completionScript(context.program, shell));
    });
}
