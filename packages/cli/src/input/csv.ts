export interface CsvRow {
  /** The line its first field stands on, counted from 1: a quoted field may hold line ends. */
  readonly line: number;
  readonly fields: string[];
  /** What is wrong with the row, or null. */
  readonly fault: string | null;
}

const START = 0;
const PLAIN = 1;
const QUOTED = 2;
const QUOTE_IN_QUOTED = 3;

/**
 * CSV as RFC 4180 has it: fields in double quotes may hold the separator, line ends, and doubled quotes. Rows
 * end with `\n` or `\r\n`. Give it text in pieces of any size.
 */
export class CsvReader {
  readonly #separator: string;
  readonly #maxChars: number;
  #state = START;
  #line = 1;
  #rowLine = 1;
  #fields: string[] = [];
  #field = '';
  #rowChars = 0;
  #fault: string | null = null;
  #started = false;

  constructor(separator: string, maxChars: number) {
    this.#separator = separator;
    this.#maxChars = maxChars;
  }

  read(text: string): CsvRow[] {
    const rows: CsvRow[] = [];
    for (let at = 0; at < text.length; at++) {
      const char = text[at]!;
      this.#started = true;
      if (++this.#rowChars > this.#maxChars) {
        this.#fault ??= `the row is longer than ${this.#maxChars} characters`;
        this.#field = '';
        this.#fields = [];
      }
      if (this.#state === QUOTED) {
        if (char === '"') this.#state = QUOTE_IN_QUOTED;
        else this.#add(char);
        if (char === '\n') this.#line++;
        continue;
      }
      if (this.#state === QUOTE_IN_QUOTED && char === '"') {
        this.#add('"');
        this.#state = QUOTED;
        continue;
      }
      if (char === this.#separator) this.#endField();
      else if (char === '\n') rows.push(this.#endRow());
      else if (char === '"' && this.#state === START) this.#state = QUOTED;
      else this.#plain(char);
    }
    return rows;
  }

  /** The last row, where the text did not end with a line end. */
  end(): CsvRow | null {
    if (!this.#started) return null;
    if (this.#state === QUOTED) this.#fault ??= 'a quoted field does not end';
    return this.#endRow();
  }

  #plain(char: string): void {
    if (this.#state === QUOTE_IN_QUOTED && char !== '\r') this.#fault ??= 'text follows a closing quote';
    if (this.#state === START) this.#state = PLAIN;
    this.#add(char);
  }

  #add(char: string): void {
    if (this.#rowChars <= this.#maxChars) this.#field += char;
  }

  #endField(): void {
    this.#fields.push(this.#field);
    this.#field = '';
    this.#state = START;
  }

  #endRow(): CsvRow {
    if (this.#state !== QUOTED && this.#field.endsWith('\r')) this.#field = this.#field.slice(0, -1);
    this.#endField();
    const row = { line: this.#rowLine, fields: this.#fields, fault: this.#fault };
    this.#rowLine = ++this.#line;
    this.#fields = [];
    this.#fault = null;
    this.#rowChars = 0;
    this.#started = false;
    return row;
  }
}
