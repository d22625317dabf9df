/** A tagged field that this library's definitions do not know (KIP-482): kept as it came and written back. */
export interface TaggedField {
  /** A uint32. */
  tag: number;
  data: Uint8Array;
}

/** Shared by all messages without unknown tagged fields; frozen for that reason. */
export const noTaggedFields: readonly TaggedField[] = /* @__PURE__ */ Object.freeze([]);
