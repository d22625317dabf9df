import type { Command, Option } from 'commander';
import { usage } from '../failure.ts';

/** A script that completes commands, flags and their values. It is made from the commands themselves. */
export function completionScript(program: Command, shell: string): string {
  switch (shell) {
    case 'bash':
      return bash(program);
    case 'zsh':
      return zsh(program);
    case 'fish':
      return fish(program);
    default:
      throw usage(`There is no completion for ${shell}.`, 'It is made for bash, zsh and fish.');
  }
}

const shown = (command: Command): readonly Option[] => command.options.filter((option) => !option.hidden);
const flagsOf = (option: Option): string[] => [option.short, option.long].filter((flag) => flag !== undefined);
const choicesOf = (option: Option): readonly string[] => option.argChoices ?? [];

/* biome-ignore-start lint/suspicious/noTemplateCurlyInString: it is the shell's syntax. */
function bash(program: Command): string {
  const cases = program.commands.map((command) => {
    const flags = shown(command).flatMap(flagsOf).join(' ');
    const values = shown(command)
      .filter((option) => choicesOf(option).length > 0)
      .map(
        (option) =>
          `      ${flagsOf(option).join('|')}) COMPREPLY=($(compgen -W "${choicesOf(option).join(' ')}" -- "$word")); return;;`,
      );
    return [
      `  ${command.name()})`,
      '    case "$before" in',
      ...values,
      '    esac',
      `    [[ $word == -* ]] && COMPREPLY=($(compgen -W "${flags}" -- "$word")) || COMPREPLY=($(compgen -f -- "$word"))`,
      '    ;;',
    ].join('\n');
  });
  return [
    '_kiel() {',
    '  local word="${COMP_WORDS[COMP_CWORD]}" before="${COMP_WORDS[COMP_CWORD-1]}"',
    '  compopt -o filenames 2>/dev/null',
    `  if [[ $COMP_CWORD -eq 1 ]]; then COMPREPLY=($(compgen -W "${program.commands.map((each) => each.name()).join(' ')} --help --version" -- "$word")); return; fi`,
    '  case "${COMP_WORDS[1]}" in',
    ...cases,
    '  esac',
    '}',
    'complete -F _kiel kiel',
    '',
  ].join('\n');
}

/* biome-ignore-end lint/suspicious/noTemplateCurlyInString: it was the shell's syntax. */
function zsh(program: Command): string {
  const quote = (text: string) => text.replaceAll(/['[\]:\\]/g, (char) => (char === "'" ? "'\\''" : `\\${char}`));
  const commands = program.commands.map((each) => `    '${each.name()}:${quote(each.description())}'`);
  const cases = program.commands.map((command) => {
    const specs = shown(command).flatMap((option) =>
      flagsOf(option).map((flag) => {
        const value = option.required
          ? `:value:${choicesOf(option).length > 0 ? `(${choicesOf(option).join(' ')})` : '_files'}`
          : '';
        return `      '${flag}[${quote(option.description)}]${value}' \\`;
      }),
    );
    return [`    ${command.name()})`, '      _arguments \\', ...specs, "      '*:file:_files'", '      ;;'].join('\n');
  });
  return [
    '#compdef kiel',
    '_kiel() {',
    '  local -a commands=(',
    ...commands,
    '  )',
    '  if (( CURRENT == 2 )); then _describe command commands; return; fi',
    '  local command=$words[2]',
    '  shift words; (( CURRENT-- ))',
    '  case $command in',
    ...cases,
    '  esac',
    '}',
    // Found in fpath, the file itself is the function's first call; read by `source`, it only makes it known.
    'if [[ $funcstack[1] == _kiel ]]; then _kiel "$@"; else compdef _kiel kiel; fi',
    '',
  ].join('\n');
}

function fish(program: Command): string {
  const quote = (text: string) => `'${text.replaceAll(/['\\]/g, '\\$&')}'`;
  const lines = program.commands.flatMap((command) => {
    const inside = `-n '__fish_seen_subcommand_from ${command.name()}'`;
    return [
      `complete -c kiel -n __fish_use_subcommand -f -a ${command.name()} -d ${quote(command.description())}`,
      ...shown(command).map((option) => {
        const short = option.short === undefined ? '' : ` -s ${option.short.slice(1)}`;
        const long = option.long === undefined ? '' : ` -l ${option.long.slice(2)}`;
        const choices =
          choicesOf(option).length > 0 ? ` -x -a ${quote(choicesOf(option).join(' '))}` : option.required ? ' -r' : '';
        return `complete -c kiel ${inside}${short}${long}${choices} -d ${quote(option.description)}`;
      }),
    ];
  });
  return lines.join('\n') + '\n';
}
