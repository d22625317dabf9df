/**
 * Text that a peer wrote, made fit for an error message. A broker may echo what it was sent, so whatever we
 * sent it, and whatever looks like a token, is blanked; control characters cannot forge log lines.
 */
const LIMIT = 300;
const MOST_READ = 32_768;
const BLANK = '[redacted]';

/** A run this long of token characters, digits among them or dots, is no word of any language. */
const TOKEN_LIKE = /[A-Za-z0-9+/_-]{16,}(?:[.=][A-Za-z0-9+/_=-]*)*/g;
/** Control and format characters, line separators, lone surrogates. */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;

/**
 * @param sent - what went to that peer: every piece of it, plain or encoded, is blanked.
 * @returns '' for no text.
 */
export function quoteServerText(text: string | null | undefined, sent: Iterable<Uint8Array | string> = []): string {
  if (text === null || text === undefined || text === '') return '';
  // Cutting first bounds the work; so far out that no secret lies across the cut and stays in what is shown.
  let shown = text.slice(0, MOST_READ);
  const forms = formsOf(sent);
  // One pass: a short secret must not be found again in the blank that replaced another.
  if (forms.length > 0) shown = shown.replace(new RegExp(forms.map(literally).join('|'), 'g'), BLANK);
  shown = shown.replace(TOKEN_LIKE, (run) => (looksLikeToken(run) ? BLANK : run));
  shown = shown.replace(UNPRINTABLE, ' ');
  return shown.length > LIMIT ? `${shown.slice(0, LIMIT)}…` : shown;
}

function looksLikeToken(run: string): boolean {
  return run.length >= 40 || /\d/.test(run) || (/[a-z]/.test(run) && /[A-Z]/.test(run) && run.length >= 24);
}

function literally(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');
}

/** Longest first, so that a piece within another leaves no remainder behind. */
function formsOf(sent: Iterable<Uint8Array | string>): string[] {
  const forms = new Set<string>();
  for (const token of sent) {
    const text = typeof token === 'string' ? token : Buffer.from(token).toString('utf8');
    addForms(forms, text);
    for (const piece of text.split(/[\p{Cc}\s]+/u)) {
      addForms(forms, piece);
      const assigned = piece.indexOf('=');
      if (assigned >= 0) addForms(forms, piece.slice(assigned + 1));
    }
  }
  return [...forms].sort((a, b) => b.length - a.length);
}

function addForms(forms: Set<string>, piece: string): void {
  if (piece === '') return;
  const bytes = Buffer.from(piece, 'utf8');
  forms.add(piece);
  forms.add(JSON.stringify(piece).slice(1, -1));
  forms.add(encodeURIComponent(piece.toWellFormed()));
  forms.add(bytes.toString('base64'));
  forms.add(bytes.toString('base64').replace(/=+$/, ''));
  forms.add(bytes.toString('base64url'));
  forms.add(bytes.toString('hex'));
  forms.add(bytes.toString('hex').toUpperCase());
}
