// Reserving memory for good.

/** Reserves bytes, 16-aligned, never freed. Grows the memory when needed. */
export function alloc(bytes: usize): usize {
  return heap.alloc(bytes)
}
