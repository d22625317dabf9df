export function writePage(): void {
  throw new Error('not yet');
}
