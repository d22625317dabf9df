/** The one of `names` that is spelt most like `name`, if at most so many letters are to be added, left out or changed. */
export function nearest(name: string, names: readonly string[], most: number): string | undefined {
  let found: string | undefined;
  let least = most + 1;
  for (const each of names) {
    const far = distance(each, name);
    if (far >= least) continue;
    least = far;
    found = each;
  }
  return found;
}

function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      next.push(Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)));
    }
    row = next;
  }
  return row[b.length]!;
}
