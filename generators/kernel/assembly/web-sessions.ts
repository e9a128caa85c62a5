// The traffic of profile `web`: concurrent visitors who load pages with their assets, and robots in between.
//
// Everything is drawn from one sequence of random numbers that starts anew with each block of records, so a block is a
// pure function of its seed. The weights were fitted to a real log (docs/realism.md).

import { copy, initOctaves, mix, next, put, putByte, putDecimal, putToken, rankOf, reseed } from './render-text'
import { agentBytes, agentOf, agentText, initAgents, putAddress, robotAgent, scriptAgent } from './web-agents'
import {
  BAD_RANGE, BANNER, CAMPAIGN, COMMENT, COMMON, DOUBLE_SLASH, entryOf, FAVICON, FEED, FILE, FIXED, FORBIDDEN, HEAD, HOTLINKED, HTTP10,
  imagesOf, imagesOfTalk, initSite, isFolder, item, JSON_LINES, LOGIN, LOGIN_FAILED, LOGIN_FORM, LOGOUT, MISSING, NO_SLASH, NOT_MODIFIED,
  OLD_FILE, OPTIONS, PAGE, PAGE_IMAGE, PARTIAL, putWord, ROBOTS, referrerBytes, referrerOf, requestBytes, requestOf, SEARCH, SERVER_ERROR,
  SPAM, START, TALK, TALK_IMAGE, TOUCH_ICON, WP_LOGIN, XML_RPC,
} from './web-site'

/** Visitors at any one moment. */
const SLOTS: u32 = 16

// A slot: what is left of a session, and the strings that its lines share.
const PHASE: usize = 0
const PAGES_LEFT: usize = 4
const ASSETS: usize = 8 // bits: indexes of the site's assets still to be fetched
const IMAGES: usize = 12 // images of the page still to be fetched
const IMAGE_KIND: usize = 16
const NUMBER: usize = 20 // of the page or talk
const PREFIX_BYTES: usize = 24
const REFERRER: usize = 28
const REFERRER_BYTES: usize = 32
const AGENT: usize = 36
const VARIANT: usize = 40 // HTTP10 or 0
const RETURNING: usize = 44 // has the site's assets in its cache
const VISITOR: usize = 48
const LAST_ITEM: usize = 56
const PREFIX: usize = 64
const OWN_REFERRER: usize = 192
const SLOT: usize = 640

// Phases of a session.
const OVER: u32 = 0
const BROWSE: u32 = 1
const LOAD: u32 = 2
const ONE: u32 = 3
const FORM: u32 = 4
const SUBMIT: u32 = 5
const FOLLOW: u32 = 6
const PROBE: u32 = 7
const DOWNLOAD: u32 = 8
const TALK_PAGE: u32 = 9

const slots = memory.data(16 * 640, 16)
const noReferrer = memory.data(48, 16)
let noReferrerBytes: usize = 0
let format: i32 = 0
let seedOfVisitors: u64 = 0
/** The slot whose page is being loaded, or 0. */
let current: usize = 0

// Robots: 0 prefix bytes, 4 agent, 8 habit, 16 item, 32 prefix.
const ROBOTS_COUNT: u32 = 250
const ROBOT: usize = 128
const robots = memory.data(250 * 128, 16)
const picks = memory.data(4096)
const VISITORS: u32 = 255

/** The bits that the hot address (IPv4), and the name of the hot account, are made from, whatever the seed. */
const HOT_VISITOR: u64 = 0x07c3_0000_6433_10ff

const CRAWL: u32 = 0
const POLL: u32 = 1
const CRAWL_IMAGES: u32 = 2
const CRAWL_TALK: u32 = 3

const pageOctaves = memory.data(256)
const crawlOctaves = memory.data(256)
const talkOctaves = memory.data(256)
const visitorOctaves = memory.data(256)
const externalOctaves = memory.data(256)

// Of 4096 picks, how many go to each of the busiest robots, to each of the rest, and how many of those there are.
const busiest = memory.data<u16>([345, 262, 255, 195, 81, 73, 71, 60, 59, 59])

function putUser(dst: usize, h: u64): usize {
  dst = putWord(dst, h)
  if ((h & 0x300) != 0) {
    dst = putByte(dst, 46)
    dst = putWord(dst, h >> 10)
  } else dst = putDecimal(dst, (h >> 10) % 100)
  return dst
}

/** Address and user as the format begins a line (JSON: goes on after the time) with them. Returns the end. */
function putPrefix(dst: usize, addressBits: u64, user: bool): usize {
  const json = format == JSON_LINES
  dst = putAddress(dst, addressBits)
  dst = put(dst, json ? '","remote_user":"' : ' - ')
  if (user) dst = putUser(dst, mix(addressBits))
  else if (!json) dst = putByte(dst, 45)
  return put(dst, json ? '","request":"' : ' [')
}

function initRobots(): void {
  let filled: usize = 0
  for (let i: u32 = 0; i < ROBOTS_COUNT; i++) {
    const robot = robots + <usize>i * ROBOT
    const h = mix(<u64>i ^ 0x0b07)
    const end = putPrefix(robot + 32, h | 0xff, false)
    store<u32>(robot, <u32>(end - robot - 32))
    let habit = CRAWL
    let id: u64 = 0
    const agent: u32 = i < 16 ? i : <u32>(h >> 50) % 50
    if (agent == 1 || agent == 4 || agent == 7 || agent == 16 || agent == 17 || agent == 18 || agent == 36 || agent == 37 || agent == 38 || agent == 49) {
      habit = POLL
      id = item(FIXED, agent == 1 || agent == 4 ? FEED : FEED + (h >> 30) % 5, 0, 0)
    } else if (agent == 12) {
      habit = POLL
      id = item(FIXED, OLD_FILE, 0, 0)
    } else if (agent == 39 || agent == 40) {
      habit = POLL
      id = item(PAGE, 0, 0, (h & 1) == 0 ? HEAD : 0)
    } else if (agent == 15) habit = CRAWL_IMAGES
    else if (i == 2 || i == 3) habit = CRAWL_TALK
    store<u32>(robot, robotAgent(agent), 4)
    store<u32>(robot, habit, 8)
    store<u64>(robot, id, 16)
    let weight: usize = i < 10 ? load<u16>(busiest + (i << 1)) : i < 40 ? 8 : i < 80 ? 3 : 1
    while (weight-- > 0 && filled < 4096) store<u8>(picks + filled++, <u8>i)
  }
  while (filled < 4096) store<u8>(picks + filled++, <u8>VISITORS)
}

/** Prepares every table for a format and a seed. May be called again. */
export function initWeb(forFormat: i32, seed: u64): void {
  format = forFormat
  seedOfVisitors = mix(seed ^ 0x5eed)
  initSite(format)
  initAgents(format)
  initOctaves(pageOctaves, '26 28 28 24 20 18 16 14 12 10 8 6 5 4 3 2 2')
  initOctaves(crawlOctaves, '6 9 13 19 26 31 33 28 21 14 8 6 4 3 2 2 2')
  initOctaves(talkOctaves, '42 32 22 14 8 4 3 2 1 1')
  initOctaves(visitorOctaves, '1 1 1 1 1 1 2 2 3 4 5 6 7 8 9 10 11 12 12 12 12 12 12 12')
  initOctaves(externalOctaves, '6 7 8 8 8 8 8 7 6 5 4 3')
  noReferrerBytes = put(noReferrer, format == JSON_LINES ? '"http_referer":"",' : '"-" ') - noReferrer
  initRobots()
}

// @ts-expect-error: decorator
@inline
function get(slot: usize, field: usize): u32 {
  return load<u32>(slot + field)
}

// @ts-expect-error: decorator
@inline
function set(slot: usize, field: usize, value: u32): void {
  store<u32>(slot + field, value)
}

function withoutReferrer(slot: usize): void {
  set(slot, REFERRER, <u32>noReferrer)
  set(slot, REFERRER_BYTES, <u32>noReferrerBytes)
}

/** The page that lines after it refer to. */
function referTo(slot: usize, entry: usize): void {
  const bytes = referrerBytes(entry)
  copy(slot + OWN_REFERRER, referrerOf(entry), bytes)
  set(slot, REFERRER, <u32>(slot + OWN_REFERRER))
  set(slot, REFERRER_BYTES, <u32>bytes)
}

const tlds = 'com|de|co.uk|fr|ca|co.in|com.br|ru|pl|nl|es|it'

/** A search engine or another site, from hash bits; the search engine's links carry tokens of their own. */
function referExternally(slot: usize, h: u64, x: u64): void {
  let dst = put(slot + OWN_REFERRER, format == JSON_LINES ? '"http_referer":"' : '"')
  const kind = <u32>(h & 31)
  if (kind < 11) dst = put(dst, 'https://www.google.com/')
  else if (kind < 13) dst = put(dst, 'https://duckduckgo.com/')
  else if (kind < 15) dst = put(dst, 'https://www.bing.com/')
  else if (kind < 18) {
    dst = put(dst, 'https://www.google.')
    dst = putTld(dst, h >> 8)
    dst = put(dst, '/url?sa=t&rct=j&q=&esrc=s&source=web&cd=')
    dst = putDecimal(dst, 1 + ((h >> 12) & 15))
    dst = put(dst, '&ved=0C')
    dst = putToken(dst, mix(h), 8)
    dst = put(dst, '&url=http%3A%2F%2Fwww.millpond.example%2F&usg=AFQjCN')
    dst = putToken(dst, mix(h ^ 1), 10)
  } else if (kind < 20) {
    dst = put(dst, 'https://www.google.')
    dst = putTld(dst, h >> 8)
    dst = putByte(dst, 47)
  } else {
    // Rank decides the site that links here, so that a few send most of these visitors.
    const other = mix(<u64>rankOf(x, externalOctaves) ^ 0xe47)
    dst = put(dst, 'http://')
    dst = putWord(dst, other)
    dst = putWord(dst, other >> 8)
    dst = put(dst, '.example/')
    if ((other & 0x30000) != 0) {
      dst = putWord(dst, other >> 20)
      dst = putByte(dst, 47)
      dst = putWord(dst, other >> 28)
      dst = putByte(dst, 45)
      dst = putWord(dst, other >> 36)
      dst = put(dst, '.html')
    }
  }
  dst = put(dst, format == JSON_LINES ? '",' : '" ')
  set(slot, REFERRER, <u32>(slot + OWN_REFERRER))
  set(slot, REFERRER_BYTES, <u32>(dst - slot - OWN_REFERRER))
}

function putTld(dst: usize, index: u64): usize {
  const from = changetype<usize>(tlds)
  const end = from + (<usize>tlds.length << 1)
  index %= 12
  let at = from
  for (; index > 0; at += 2) if (load<u8>(at) == 124) index--
  for (; at < end && load<u8>(at) != 124; at += 2) dst = putByte(dst, load<u8>(at))
  return dst
}

/** Somebody arrives: a visitor who was here before, or a new one. */
function arrive(slot: usize): void {
  const x = next()
  const y = next()
  // A third has never been here; the others come from a growing crowd of whom few come often.
  const returning = (x & 3) != 0
  const visitor = mix(seedOfVisitors ^ (returning ? <u64>rankOf(y, visitorOctaves) + 1 : y | (1 << 63)))
  const agentBits = mix(visitor)
  store<u64>(slot + VISITOR, visitor)
  set(slot, PREFIX_BYTES, <u32>(putPrefix(slot + PREFIX, visitor, false) - slot - PREFIX))
  set(slot, AGENT, agentOf(agentBits))
  set(slot, VARIANT, (agentBits >> 50) % 100 < 5 ? <u32>HTTP10 : 0)
  set(slot, RETURNING, ((x >> 2) & 15) < 3 ? 1 : 0)
  set(slot, ASSETS, 0)
  set(slot, IMAGES, 0)
  set(slot, PAGES_LEFT, 0)
  store<u64>(slot + LAST_ITEM, 0)
  const kind = <u32>(x >> 8) & 1023
  const referred = <u32>(x >> 18) & 31
  if (referred < 14) withoutReferrer(slot)
  else referExternally(slot, mix(y), y >> 8)
  if (kind < 430) {
    // A visit: a page with its assets, sometimes more pages.
    set(slot, PHASE, BROWSE)
    const more = <u32>ctz((x >> 24) | 0x40)
    set(slot, PAGES_LEFT, 1 + more)
  } else if (kind < 445) {
    set(slot, PHASE, TALK_PAGE)
  } else if (kind < 451) {
    set(slot, PHASE, FORM)
  } else if (kind < 454) {
    // Behind HTTP authentication: known from the first line on.
    set(slot, PREFIX_BYTES, <u32>(putPrefix(slot + PREFIX, visitor, true) - slot - PREFIX))
    set(slot, PHASE, BROWSE)
    set(slot, PAGES_LEFT, 3 + (<u32>(x >> 24) & 3))
  } else if (kind < 463) {
    set(slot, PHASE, PROBE)
    set(slot, PAGES_LEFT, 1 + (<u32>(x >> 24) & 3))
    withoutReferrer(slot)
  } else if (kind < 486) {
    set(slot, PHASE, DOWNLOAD)
    set(slot, PAGES_LEFT, 1 + <u32>((x >> 24) & 3) * (<u32>(x >> 26) & 1))
    set(slot, NUMBER, rankOf(x >> 28, talkOctaves))
  } else if (kind < 540) {
    // A small feed reader asks once and goes.
    withoutReferrer(slot)
    set(slot, AGENT, scriptAgent(agentBits))
    set(slot, PHASE, ONE)
    store<u64>(slot + LAST_ITEM, item(FIXED, FEED + ((x >> 24) & 7) % 5, 0, ((x >> 27) & 3) == 0 ? NOT_MODIFIED : 0))
  } else {
    set(slot, PHASE, ONE)
    store<u64>(slot + LAST_ITEM, single(slot, kind, x >> 24))
  }
}

/** What the many ask for who ask once. */
function single(slot: usize, kind: u32, x: u64): u64 {
  const variant = <u64>get(slot, VARIANT)
  if (kind < 690) {
    withoutReferrer(slot)
    return item(FIXED, FAVICON, 0, variant)
  }
  if (kind < 760) return item(TALK_IMAGE, <u64>rankOf(x, talkOctaves), (x >> 28) & 7, variant)
  if (kind < 800) return item(FIXED, HOTLINKED, 0, variant)
  if (kind < 830) {
    withoutReferrer(slot)
    return item(FIXED, ROBOTS, 0, variant)
  }
  if (kind < 870) return item(CAMPAIGN, <u64>rankOf(x, talkOctaves), 0, variant)
  if (kind < 885) return item(SEARCH, <u64>rankOf(x, crawlOctaves), 0, variant)
  if (kind < 889) return item(FIXED, TOUCH_ICON, 0, variant)
  if (kind < 890) return item(FIXED, DOUBLE_SLASH, 0, variant)
  if (kind < 892) return item(FIXED, SPAM, 0, variant)
  if (kind == 892) {
    const rare = x & 15
    return item(
      FIXED,
      rare < 3 ? OPTIONS : rare < 7 ? FORBIDDEN + (rare & 1) : rare < 9 ? SERVER_ERROR : rare < 13 ? COMMENT : rare < 14 ? BAD_RANGE : LOGOUT,
      0,
      variant,
    )
  }
  if (kind < 908) return item(PAGE, <u64>rankOf(x, pageOctaves), 0, variant | HEAD)
  if (kind < 928) return item(MISSING, <u64>rankOf(x, crawlOctaves), 0, variant)
  return item(PAGE, <u64>rankOf(x, pageOctaves), 0, variant)
}

// One hot value of a column: `hot` says whether the next line carries it, the rest is what it carries.
let hot = false
let hotKey: i32 = 0
let hotEntry: usize = 0
const hotPrefix = memory.data(128, 16)
let hotPrefixBytes: usize = 0

// Indexes in `partitionKeys`.
const HOT_USER: i32 = 2
const HOT_PATH: i32 = 3

/** Prepares the hot value of a column: one address, one account (with its one address), or the start page. */
export function initHot(key: i32): void {
  hotKey = key
  if (key == HOT_PATH) hotEntry = entryOf(item(FIXED, START, 0, 0))
  else hotPrefixBytes = putPrefix(hotPrefix, HOT_VISITOR, key == HOT_USER) - hotPrefix
}

export function setHot(next: bool): void {
  hot = next
}

// @ts-expect-error: decorator
@inline
function line(dst: usize, prefix: usize, prefixBytes: usize, entry: usize, referrer: usize, referrerLength: usize, agent: u32): usize {
  if (hot) return hotLine(dst, prefix, prefixBytes, entry, referrer, referrerLength, agent)
  return putLine(dst, prefix, prefixBytes, entry, referrer, referrerLength, agent)
}

/** Apart from `line`, so that a plain stream pays for no more than the question. */
function hotLine(dst: usize, prefix: usize, prefixBytes: usize, entry: usize, referrer: usize, referrerLength: usize, agent: u32): usize {
  if (hotKey == HOT_PATH) return putLine(dst, prefix, prefixBytes, hotEntry, referrer, referrerLength, agent)
  return putLine(dst, hotPrefix, hotPrefixBytes, entry, referrer, referrerLength, agent)
}

// @ts-expect-error: decorator
@inline
function putLine(dst: usize, prefix: usize, prefixBytes: usize, entry: usize, referrer: usize, referrerLength: usize, agent: u32): usize {
  if (format == JSON_LINES) {
    dst = copy(dst, timeText, timeBytes)
    dst = copy(dst, prefix, prefixBytes)
  } else {
    dst = copy(dst, prefix, prefixBytes)
    v128.store(dst, v128.load(timeText))
    v128.store(dst, v128.load(timeText, 16), 16)
    dst += timeBytes
  }
  dst = copy(dst, requestOf(entry), requestBytes(entry))
  if (format == COMMON) return dst
  dst = copy(dst, referrer, referrerLength)
  return copy(dst, agentText(agent), agentBytes(agent))
}

// @ts-expect-error: decorator
@inline
function visitorLine(dst: usize, slot: usize, entry: usize): usize {
  return line(dst, slot + PREFIX, get(slot, PREFIX_BYTES), entry, get(slot, REFERRER), get(slot, REFERRER_BYTES), get(slot, AGENT))
}

/** The time as the format has it, of timeBytes; written by the renderer whenever the second changes. */
export const timeText = memory.data(96, 16)
let timeBytes: usize = 0

export function setTimeBytes(bytes: usize): void {
  timeBytes = bytes
}

/** The next asset of the page that a slot is loading. */
function asset(slot: usize, x: u64, dst: usize): usize {
  const assets = get(slot, ASSETS)
  const variant = <u64>get(slot, VARIANT)
  if (assets != 0) {
    const index = <u64>ctz(assets)
    const rest = assets & (assets - 1)
    set(slot, ASSETS, rest)
    if (rest == 0 && get(slot, IMAGES) == 0) loaded(slot)
    const cached = get(slot, RETURNING) != 0 && ((x >> 8) & 15) < 9
    const entry = entryOf(item(FIXED, index, 0, cached ? variant | NOT_MODIFIED : variant))
    if (index >= BANNER) {
      // The style sheet loads the banner; many browsers name no page when they fetch the icon.
      if (index == BANNER) {
        const sheet = entryOf(item(FIXED, 1, 0, 0))
        return line(dst, slot + PREFIX, get(slot, PREFIX_BYTES), entry, referrerOf(sheet), referrerBytes(sheet), get(slot, AGENT))
      }
      if (index == FAVICON && ((x >> 11) & 3) != 0) {
        return line(dst, slot + PREFIX, get(slot, PREFIX_BYTES), entry, noReferrer, noReferrerBytes, get(slot, AGENT))
      }
    }
    return visitorLine(dst, slot, entry)
  }
  const left = get(slot, IMAGES) - 1
  set(slot, IMAGES, left)
  if (left == 0) loaded(slot)
  const kind = <u64>get(slot, IMAGE_KIND)
  const cached = ((x >> 8) & 63) < 3
  return visitorLine(dst, slot, entryOf(item(kind, get(slot, NUMBER), left, cached ? variant | NOT_MODIFIED : variant)))
}

/** A page is complete: the visitor reads it and goes on, or leaves. */
function loaded(slot: usize): void {
  current = 0
  const pages = get(slot, PAGES_LEFT)
  if (pages == 0) set(slot, PHASE, OVER)
  else set(slot, PHASE, BROWSE)
}

/** What follows a page's own line: its assets, or at once what comes after. */
function load_(slot: usize, entry: usize, assets: u32, images: u32): void {
  referTo(slot, entry)
  set(slot, ASSETS, assets)
  set(slot, IMAGES, images)
  if ((assets | images) == 0) loaded(slot)
  else {
    set(slot, PHASE, LOAD)
    current = slot
  }
}

/** One line of a visitor. */
function visit(slot: usize, x: u64, dst: usize): usize {
  let phase = get(slot, PHASE)
  if (phase == LOAD) return asset(slot, x, dst)
  if (phase == OVER) {
    arrive(slot)
    phase = get(slot, PHASE)
  }
  const variant = <u64>get(slot, VARIANT)
  if (phase == BROWSE || phase == FOLLOW) {
    const first = get(slot, ASSETS) == 0 && get(slot, LAST_ITEM) == 0
    const number = phase == FOLLOW ? <u64>get(slot, NUMBER) : <u64>rankOf(x >> 8, pageOctaves)
    if (phase == BROWSE && ((x >> 40) & 15) < 3 && isFolder(number)) {
      // Asked for without its slash; the browser follows the redirect at once.
      set(slot, NUMBER, <u32>number)
      set(slot, PHASE, FOLLOW)
      current = slot
      return visitorLine(dst, slot, entryOf(item(NO_SLASH, number, 0, variant)))
    }
    set(slot, NUMBER, <u32>number)
    set(slot, IMAGE_KIND, <u32>PAGE_IMAGE)
    set(slot, PAGES_LEFT, get(slot, PAGES_LEFT) - 1)
    const entry = entryOf(item(PAGE, number, 0, variant))
    const end = visitorLine(dst, slot, entry)
    let assets: u32 = 0
    if (first) {
      const whole = <u32>(x >> 44) & 15
      assets = whole < 12 ? 0x1f : whole < 14 ? 0x0f : <u32>(x >> 48) & 0x1f
      if (((x >> 53) & 15) == 0) assets |= <u32>mix(number) & 0x1ffe0
    }
    store<u64>(slot + LAST_ITEM, 1)
    load_(slot, entry, assets, ((x >> 57) & 3) == 0 ? 0 : imagesOf(number))
    return end
  }
  if (phase == ONE) {
    set(slot, PHASE, OVER)
    return visitorLine(dst, slot, entryOf(load<u64>(slot + LAST_ITEM) | variant))
  }
  if (phase == TALK_PAGE) {
    const number = rankOf(x >> 8, talkOctaves)
    set(slot, NUMBER, number)
    set(slot, IMAGE_KIND, <u32>TALK_IMAGE)
    const entry = entryOf(item(TALK, number, 0, variant))
    const end = visitorLine(dst, slot, entry)
    load_(slot, entry, FAVICON_BIT | 0x60, imagesOfTalk(number))
    return end
  }
  if (phase == FORM) {
    const entry = entryOf(item(FIXED, LOGIN_FORM, 0, variant))
    const end = visitorLine(dst, slot, entry)
    referTo(slot, entry)
    set(slot, PHASE, SUBMIT)
    return end
  }
  if (phase == SUBMIT) {
    if (((x >> 8) & 7) == 0) return visitorLine(dst, slot, entryOf(item(FIXED, LOGIN_FAILED, 0, variant)))
    const end = visitorLine(dst, slot, entryOf(item(FIXED, LOGIN, 0, variant)))
    set(slot, PREFIX_BYTES, <u32>(putPrefix(slot + PREFIX, load<u64>(slot + VISITOR), true) - slot - PREFIX))
    set(slot, PHASE, BROWSE)
    set(slot, PAGES_LEFT, 2 + (<u32>(x >> 12) & 7))
    return end
  }
  const left = get(slot, PAGES_LEFT) - 1
  set(slot, PAGES_LEFT, left)
  if (left == 0) set(slot, PHASE, OVER)
  if (phase == PROBE) {
    const which = (x >> 8) & 15
    return visitorLine(
      dst,
      slot,
      entryOf(
        which < 6
          ? item(FIXED, WP_LOGIN, 0, variant)
          : which == 6
            ? item(FIXED, XML_RPC, 0, variant)
            : item(MISSING, <u64>rankOf(x >> 16, talkOctaves), 0, variant),
      ),
    )
  }
  // DOWNLOAD: whole, or in pieces.
  const whole = get(slot, IMAGES) == 0 && left == 0
  return visitorLine(dst, slot, entryOf(item(FILE, get(slot, NUMBER), whole ? 0 : left + 1, whole ? variant : variant | PARTIAL)))
}

const FAVICON_BIT: u32 = 16

function robot(index: u32, x: u64, dst: usize): usize {
  const self = robots + <usize>index * ROBOT
  const habit = get(self, 8)
  let id: u64
  if (habit == POLL) {
    id = load<u64>(self, 16)
    if (((x >> 50) & 31) == 0 && index >= 10) id |= NOT_MODIFIED
  } else {
    const odd = <u32>(x >> 50) & 127
    if (odd < 7) id = item(FIXED, ROBOTS, 0, 0)
    else if (odd < 12) id = item(MISSING, <u64>rankOf(x, talkOctaves), 0, 0)
    else if (odd < 15) id = item(NO_SLASH, <u64>rankOf(x, crawlOctaves), 0, 0)
    else if (odd < 17) id = item(SEARCH, <u64>rankOf(x, crawlOctaves), 0, 0)
    else if (habit == CRAWL_IMAGES) id = item(TALK_IMAGE, <u64>rankOf(x, talkOctaves), (x >> 30) & 7, 0)
    else if (habit == CRAWL_TALK) id = item(TALK_IMAGE, <u64>rankOf(x, talkOctaves), (x >> 30) & 15, 0)
    else id = item(PAGE, <u64>rankOf(x, crawlOctaves), 0, 0)
  }
  return line(dst, self + 32, get(self, 0), entryOf(id), noReferrer, noReferrerBytes, get(self, 4))
}

/** Writes the next line of the block. At most LONGEST bytes, and 16 of overhang. */
// @ts-expect-error: decorator
@inline
export function step(dst: usize): usize {
  const x = next()
  if (current != 0 && (x & 255) < 226) return visit(current, x, dst)
  const pick = <u32>load<u8>(picks + (<usize>(x >> 8) & 4095))
  if (pick != VISITORS) return robot(pick, x >> 20 | x << 44, dst)
  return visit(slots + <usize>((x >> 20) & (SLOTS - 1)) * SLOT, x >> 24 | x << 40, dst)
}

/** Puts everybody into the middle of what they do when a block begins; `scratch` takes the lines of before. */
export function startWeb(blockSeed: u64, scratch: usize): void {
  reseed(blockSeed)
  for (let i: u32 = 0; i < SLOTS; i++) {
    const slot = slots + <usize>i * SLOT
    set(slot, PHASE, OVER)
    let lines = next() & 7
    do visit(slot, next(), scratch)
    while (lines-- > 0)
  }
  current = 0
}
