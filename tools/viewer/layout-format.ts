/** A chart with its places: what the page draws. Lengths are pixels at natural size. */
export interface Layout {
  readonly width: number;
  readonly height: number;
  readonly states: readonly PlacedState[];
  readonly edges: readonly PlacedEdge[];
}

export interface PlacedState {
  readonly id: string;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  readonly isFinal: boolean;
  readonly isInitial: boolean;
  readonly lines: readonly StateLine[];
}

/** A line below a state's name: what it does on entry, or at an event that leaves it where it is. */
export interface StateLine {
  readonly key: string | null;
  readonly text: string;
}

export interface PlacedEdge {
  readonly from: string;
  readonly to: string;
  readonly points: readonly (readonly [number, number])[];
  readonly labels: readonly PlacedLabel[];
}

export interface PlacedLabel {
  readonly key: string;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly event: string;
  readonly guard: string | null;
}

export interface DrawnChart {
  readonly id: string;
  /** Beside and below each other, with all that the definition says and with names alone: the page takes what fits. */
  readonly layouts: readonly Layout[];
}
