import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { runKiel } from './run-kiel.ts';

// Each shell reads its script and is asked what it would offer. A shell that is not there is left out.

const folder = mkdtempSync(join(tmpdir(), 'kiel-completion-'));
afterAll(() => rmSync(folder, { recursive: true }));

const isThere = (shell: string) => spawnSync(shell, ['-c', 'true']).status === 0;

async function scriptFor(shell: string, name = `kiel.${shell}`): Promise<string> {
  const { code, stdout } = await runKiel(['completion', shell]);
  expect(code).toBe(0);
  const path = join(folder, name);
  writeFileSync(path, stdout);
  return path;
}

const commands = ['bench', 'completion', 'decode', 'demo', 'inspect', 'meta', 'mock', 'produce', 'read'];

test.skipIf(!isThere('bash'))('bash completes commands, flags and values', async () => {
  const script = await scriptFor('bash');
  const offered = (...words: string[]) =>
    execFileSync(
      'bash',
      [
        '--norc',
        '-c',
        `. "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _kiel; printf '%s\\n' "\${COMPREPLY[@]}"`,
        'bash',
        script,
        ...words,
      ],
      { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] },
    )
      .trimEnd()
      .split('\n');
  expect(offered('kiel', '')).toEqual(expect.arrayContaining(commands));
  expect(offered('kiel', 'pro')).toEqual(['produce']);
  expect(offered('kiel', 'produce', '--comp')).toEqual(['--compression']);
  expect(offered('kiel', 'produce', '--compression', 'z')).toEqual(['zstd']);
});

test.skipIf(!isThere('fish'))('fish completes commands, flags and values', async () => {
  const script = await scriptFor('fish');
  const offered = (line: string) =>
    execFileSync('fish', ['--no-config', '-c', 'source $argv[1]; complete -C $argv[2]', '--', script, line], {
      encoding: 'utf8',
      env: { ...process.env, HOME: folder },
    })
      .trimEnd()
      .split('\n')
      .map((offer) => offer.split('\t')[0]);
  expect(offered('kiel ')).toEqual(expect.arrayContaining(commands));
  expect(offered('kiel pro')).toEqual(['produce']);
  expect(offered('kiel produce --comp')).toEqual(['--compression']);
  expect(offered('kiel produce --compression z')).toEqual(['zstd']);
});

test.skipIf(!isThere('zsh'))('zsh completes commands, flags and values, by source and from its fpath', async () => {
  const script = await scriptFor('zsh', '_kiel');
  // What zsh's completion system would be asked to offer: it offers by itself only where somebody types.
  const system = `
    _describe() { print -l -r -- "\${(P@)2}" }
    _arguments() { print -l -r -- "$@" }
    compdef() { print -r -- "compdef $@" }
    words=("\${@[2,-1]}"); CURRENT=$#words`;
  const zsh = (call: string, ...words: string[]) =>
    execFileSync('zsh', ['-f', '-c', `${system}\n${call}`, 'zsh', script, ...words], { encoding: 'utf8' })
      .trimEnd()
      .split('\n');
  // biome-ignore lint/suspicious/noTemplateCurlyInString: it is the shell's syntax.
  const fromPath = 'fpath=(${1:h}); autoload -Uz _kiel; _kiel';
  const [known, ...bySource] = zsh('source $1; _kiel', 'kiel', '');
  expect(known).toBe('compdef _kiel kiel');
  expect(bySource.map((each) => each.split(':')[0])).toEqual(expect.arrayContaining(commands));
  expect(zsh(fromPath, 'kiel', '')).toEqual(bySource);
  expect(zsh(fromPath, 'kiel', 'produce', '--comp')).toContainEqual(
    expect.stringMatching(/^--compression\[.*\]:value:\(none gzip snappy lz4 zstd\)$/),
  );
});
