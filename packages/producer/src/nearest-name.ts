/** That there is no such name, and which one may have been meant; without one that is near, which there are. */
export function unknownName(name: string, known: ReadonlySet<string>): string {
  const nearest = nearestName(name, known);
  const advice = nearest === undefined ? `there are ${[...known].join(', ')}` : `did you mean "${nearest}"?`;
  return `"${name}" does not exist; ${advice}`;
}

/** The known name that a misspelt one was probably meant to be; undefined if none is near. */
export function nearestName(name: string, known: Iterable<string>): string | undefined {
  let best: string | undefined;
  let least = Math.max(2, Math.floor(name.length / 2)) + 1;
  for (const each of known) {
    const distance = editDistance(name.toLowerCase().replaceAll(/[^a-z]/g, ''), each.toLowerCase());
    if (distance < least) {
      least = distance;
      best = each;
    }
  }
  return best;
}

function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const current = [i];
    for (let j = 1; j <= b.length; j++) {
      const swap = previous[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      current.push(Math.min(swap, previous[j]! + 1, current[j - 1]! + 1));
    }
    previous = current;
  }
  return previous[b.length]!;
}
