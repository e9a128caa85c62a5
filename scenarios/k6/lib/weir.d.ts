/** The k6 extension in ../extension. */
declare module 'k6/x/weir' {
  type Fate = 'sent' | 'accepted' | 'refused' | 'failed' | 'dropped'
  interface Span {
    first: number
    count: number
  }
  /** Records first .. first+count of the stream of the profile web, newline-terminated; a seed above 2^53 is a string. */
  export function lines(
    seed: string | number,
    first: number,
    count: number,
    format?: 'combined' | 'common' | 'json',
    options?: { startMs?: number; recordsPerDay?: number },
  ): ArrayBuffer
  /** Share index (from 1) of so many records. */
  export function segment(index: number, of: number, records: number): Span
  /** Milliseconds, with fractions, since the scenario of this virtual user began. */
  export function sinceStartMs(): number
  /** Enters what became of records. */
  export function note(fate: Fate, first: number, count: number): void
  /** What was noted by all virtual users of the process. */
  export function noted(): { readonly [fate in Fate]?: readonly Span[] }
}
