/** Measurements of kiel alone; each gives rows for a table. */
export const scenarios: Readonly<Record<string, () => Promise<Record<string, unknown>[]>>> = {};
