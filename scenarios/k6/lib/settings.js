// What a script was asked for: variables of the environment over the script's defaults, read and checked.

/** @typedef {{ readonly [name: string]: string }} Defaults */

/** @type {{ readonly [script: string]: Defaults }} */
const defaults = JSON.parse(open('../defaults.json'))

const counts = { '': 1, k: 1e3, M: 1e6 }
const milliseconds = { ms: 1, s: 1e3, m: 60e3, h: 3600e3 }

/**
 * @param {string} text
 * @param {{ readonly [unit: string]: number }} units
 */
function amount(text, units) {
  const [, number, unit = ''] = /^(\d+(?:\.\d+)?)\s?([a-zA-Z]*)$/.exec(text) || []
  const factor = units[unit]
  return number === undefined || factor === undefined ? Number.NaN : Number(number) * factor
}

/** The settings of one script; each is read when it is asked for. */
export class Settings {
  /** @param {string} script */
  constructor(script) {
    const own = defaults[script]
    if (own === undefined) throw new Error(`defaults.json knows no script ${script}`)
    this.script = script
    this.own = own
  }

  /**
   * As it was written: WEIR_RATE for rate.
   * @param {string} name
   * @param {string} [otherwise]
   */
  text(name, otherwise) {
    return __ENV[`WEIR_${name.toUpperCase()}`] || this.own[name] || otherwise || ''
  }

  /**
   * A whole number, 1 or more: 5000, 50k, 1.5M.
   * @param {string} name
   * @param {string} [otherwise]
   */
  count(name, otherwise) {
    const value = amount(this.text(name, otherwise), counts)
    if (Number.isSafeInteger(value) && value >= 1) return value
    throw this.wrong(name, 'a whole number from 1 on, such as 5000 or 50k')
  }

  /**
   * Milliseconds, from 500ms, 30s, 5m or 1h.
   * @param {string} name
   */
  milliseconds(name) {
    const value = amount(this.text(name), milliseconds)
    if (value > 0) return value
    throw this.wrong(name, 'a time such as 500ms, 30s, 5m or 1h')
  }

  /**
   * A number of 0 or more.
   * @param {string} name
   * @param {string} otherwise
   */
  number(name, otherwise) {
    const value = Number(this.text(name, otherwise))
    if (value >= 0) return value
    throw this.wrong(name, 'a number from 0 on')
  }

  /** Where the service listens, without a slash at the end. */
  url(name = 'url', otherwise = 'http://127.0.0.1:8080') {
    return this.text(name, otherwise).replace(/\/$/, '')
  }

  /** @returns {Record<string, string>} */
  get authorization() {
    const token = this.text('token')
    return token === '' ? {} : { Authorization: `Bearer ${token}` }
  }

  /**
   * The threshold on p99 of what is due until it is answered; none where it is "none".
   * @param {string} metric
   * @returns {Record<string, string[]>}
   */
  p99(metric) {
    return this.text('p99') === 'none' ? {} : { [metric]: [`p(99)<${this.milliseconds('p99')}`] }
  }

  /**
   * @param {string} name
   * @param {string} accepted
   */
  wrong(name, accepted) {
    return new Error(`WEIR_${name.toUpperCase()}=${this.text(name)} cannot be: write ${accepted}`)
  }
}
