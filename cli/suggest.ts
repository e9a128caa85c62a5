/** Names the nearest right word for a wrong one. */
import levenshtein from 'fastest-levenshtein'

/**
 * 'unknown target "worker-pol": did you mean "worker-pool"?', or the known words when none is near enough
 * (a third of its letters, two at least, or one the beginning of the other).
 */
export function unknown(what: string, word: string, known: readonly string[]): string {
  const nearest = nearestOf(word, known)
  if (nearest !== undefined) return `unknown ${what} "${word}": did you mean "${nearest}"?`
  return `unknown ${what} "${word}"${known.length > 0 && known.length <= 12 ? `; there are: ${known.join(', ')}` : ''}`
}

function nearestOf(word: string, known: readonly string[]): string | undefined {
  const bare = word.replace(/^-+/, '').toLowerCase()
  if (bare === '') return undefined
  let best: { readonly word: string; readonly distance: number } | undefined
  for (const candidate of known) {
    const name = candidate.replace(/^-+/, '').toLowerCase()
    const begins = bare.length >= 3 && (name.startsWith(bare) || bare.startsWith(name)) && name.length >= 3
    const distance = levenshtein.distance(bare, name)
    if (distance > Math.max(2, Math.floor(name.length / 3)) && !begins) continue
    if (distance >= Math.max(bare.length, name.length)) continue
    const weight = begins ? Math.min(distance, 2.5) : distance
    if (!best || weight < best.distance) best = { word: candidate, distance: weight }
  }
  return best?.word
}
