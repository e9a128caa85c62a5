/** Keys that objects are sealed with: 256 bits each, known by an id, so that they can be changed without losing what older ones sealed. */

export interface Key {
  /** Not secret: it stands in every object that the key sealed. */
  readonly id: string
  /** 32 bytes. */
  readonly bytes: Buffer
}

const keyBytes = 32

/** Keys by id; new objects are sealed with the first that was given. */
export class Keyring {
  private readonly keys: ReadonlyMap<string, Key>
  readonly current: Key

  /** @throws Error without keys, or when two have one id */
  constructor(keys: readonly Key[]) {
    const [first] = keys
    if (first === undefined) throw new Error('there is no key')
    this.current = first
    this.keys = new Map(keys.map((key) => [key.id, key]))
    if (this.keys.size < keys.length) throw new Error('two keys have the same id')
  }

  /** All of them, the current one first: what a keyring is made of. */
  all(): readonly Key[] {
    return [this.current, ...[...this.keys.values()].filter((key) => key !== this.current)]
  }

  get(id: string): Key | undefined {
    return this.keys.get(id)
  }
}

/**
 * Reads keys as they stand in a file or a variable: `id:base64`, one on each line or parted by commas, the current one first;
 * lines that begin with # are comments. What a key is never appears in a message.
 * @throws Error that says which of them is wrong
 */
export function parseKeys(text: string): Keyring {
  const words = text
    .split('\n')
    .filter((line) => !line.trimStart().startsWith('#'))
    .flatMap((line) => line.split(','))
    .map((word) => word.trim())
    .filter((word) => word !== '')
  return new Keyring(words.map((word, i) => parseKey(word, i + 1)))
}

function parseKey(word: string, number: number): Key {
  const [, id, base64] = /^([A-Za-z0-9._-]{1,64}):([A-Za-z0-9+/]+={0,2})$/.exec(word) ?? []
  const bytes = Buffer.from(base64 ?? '', 'base64')
  if (id === undefined || bytes.length !== keyBytes) {
    throw new Error(
      `key ${number} is not "id:" and ${keyBytes} bytes in base64; make one with: echo "k1:$(openssl rand -base64 ${keyBytes})"`,
    )
  }
  return { id, bytes }
}
