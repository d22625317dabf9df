/**
 * Reads Java's `.properties` text: `key=value`, `key: value` or `key value`, `#` and `!` comments, a backslash
 * at the end joins lines, and `\t \n \r \f \uXXXX` and a backslash before anything else escape.
 */
export function parseProperties(text: string): Map<string, string> {
  const properties = new Map<string, string>();
  for (const line of logicalLines(text)) {
    const [key, value] = splitLine(line);
    properties.set(unescaped(key), unescaped(value));
  }
  return properties;
}

function* logicalLines(text: string): Generator<string> {
  let joined: string | null = null;
  for (const physical of text.split(/\r\n|\n|\r/)) {
    const line = physical.replace(/^[ \t\f]+/, '');
    if (joined === null && (line === '' || line[0] === '#' || line[0] === '!')) continue;
    const whole: string = (joined ?? '') + line;
    const backslashes = /\\*$/.exec(whole)![0].length;
    if (backslashes % 2 === 1) {
      joined = whole.slice(0, -1);
    } else {
      joined = null;
      yield whole;
    }
  }
  if (joined !== null && joined !== '') yield joined;
}

function splitLine(line: string): [string, string] {
  let at = 0;
  while (at < line.length && !'=: \t\f'.includes(line[at]!)) at += line[at] === '\\' ? 2 : 1;
  const key = line.slice(0, at);
  const value = line.slice(at).replace(/^[ \t\f]*[=:]?[ \t\f]*/, '');
  return [key, value];
}

const escapes: Record<string, string> = { t: '\t', n: '\n', r: '\r', f: '\f' };

function unescaped(text: string): string {
  return text.replace(/\\(?:u([0-9a-fA-F]{4})|(.))/gs, (_, hex: string | undefined, char: string | undefined) =>
    hex === undefined ? (escapes[char!] ?? char!) : String.fromCharCode(Number.parseInt(hex, 16)),
  );
}
