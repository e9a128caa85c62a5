// The site of profile `web`: what its URLs look like, and the status and size that belong to each.

import { logNormal, mix, put, putByte, putDecimal, putPadded } from './render-text'

export const COMBINED: i32 = 0
export const COMMON: i32 = 1
export const JSON_LINES: i32 = 2

// A URL is an item: kind << 48 | number << 16 | part << 8 | variant.
export const FIXED: u64 = 0
export const PAGE: u64 = 1
export const PAGE_IMAGE: u64 = 2
export const NO_SLASH: u64 = 3
export const MISSING: u64 = 4
export const FILE: u64 = 5
export const SEARCH: u64 = 6
export const TALK: u64 = 7
export const TALK_IMAGE: u64 = 8
export const CAMPAIGN: u64 = 9

// Variants: how the item was asked for.
export const NOT_MODIFIED: u64 = 1
export const HEAD: u64 = 2
export const PARTIAL: u64 = 3
export const HTTP10: u64 = 4

// @ts-expect-error: decorator
@inline
export function item(kind: u64, number: u64, part: u64, variant: u64): u64 {
  return (kind << 48) | (number << 16) | (part << 8) | variant
}

// Indexes into `fixed`; 0 to 31 are what a browser loads with a page.
export const BANNER: u64 = 3
export const FAVICON: u64 = 4
export const START: u64 = 20
export const ROBOTS: u64 = 32
export const FEED: u64 = 33
export const LOGIN_FORM: u64 = 38
export const LOGIN: u64 = 39
export const LOGIN_FAILED: u64 = 40
export const DOUBLE_SLASH: u64 = 42
export const OPTIONS: u64 = 43
export const FORBIDDEN: u64 = 44
export const WP_LOGIN: u64 = 46
export const TOUCH_ICON: u64 = 47
export const SERVER_ERROR: u64 = 48
export const COMMENT: u64 = 49
export const OLD_FILE: u64 = 50
export const LOGOUT: u64 = 51
export const HOTLINKED: u64 = 53
export const XML_RPC: u64 = 54
export const BAD_RANGE: u64 = 55
export const SPAM: u64 = 56

const fixed =
  'GET /reset.css 200 1021|GET /site.css 200 4903|GET /images/portrait-80.png 200 6118|GET /images/web/2024/banner.png 200 52207|' +
  'GET /favicon.ico 200 3638|GET /js/highlight.js 200 24816|GET /js/menu.js 200 7731|GET /fonts/sans-regular.woff2 200 39964|' +
  'GET /fonts/sans-bold.woff2 200 38712|GET /images/icons/feed.png 200 689|GET /print.css 200 4254|GET /images/comments.gif 200 8095|' +
  'GET /js/search.js 200 2892|GET /images/web/2024/footer.jpg 200 18604|GET /apple-touch-icon.png 404 304|GET /site.webmanifest 200 412|' +
  'GET /images/badge-88x31.gif 200 2126|GET /icons/blank.gif 200 148|GET /icons/text.gif 200 229|GET /icons/folder.gif 200 225|' +
  'GET / 200 37932|GET / 200 37932|GET / 200 37932|GET / 200 37932|GET / 200 37932|GET / 200 37932|GET / 200 37932|GET / 200 37932|' +
  'GET / 200 37932|GET / 200 37932|GET / 200 37932|GET / 200 37932|GET /robots.txt 200 112|GET /blog/tags/cluster?flav=rss20 200 14917|' +
  'GET /?flav=rss20 200 29874|GET /?flav=atom 200 32318|GET /blog/tags/browser?flav=rss20 200 16021|GET /feed.xml 200 28411|' +
  'GET /login 200 3120|POST /login 302 246|POST /login 401 1893|GET /sitemap.xml 200 412877|GET //favicon.ico 200 3638|' +
  'OPTIONS / 200 0|GET /.htaccess 403 289|GET /admin/ 403 292|GET /wp-login.php 404 297|GET /apple-touch-icon-precomposed.png 404 316|' +
  'GET /cgi-bin/status 500 613|POST /blog/comments 200 1204|GET /files/cluster/cluster-1.3.2-monolithic.jar 404 324|GET /logout 302 231|' +
  'GET /server-status 403 296|GET /images/startpage.png 200 65748|POST /xmlrpc.php 404 293|GET /files/cluster/cluster-1.1.9-flatjar.jar 416 298|' +
  'GET /articles/proxy-tunnel/++++++++++++++Result:+%ED%E5+%ED%E0%F8%EB%EE%F1%FC+%F4%EE%F0%EC%FB+%E4%EB%FF+%EE%F2%EF%F0%E0%E2%EA%E8; 404 391'

const wordList =
  'account active adapter agent alarm alias anchor apache archive array async audit backup balance bash batch beacon ' +
  'bench binary bisect block board boot branch bridge browser budget buffer bugs build bundle cable cache canvas cert ' +
  'chain channel chart check cipher class client clock cloud cluster code column command commit compile config console ' +
  'copy counter crash cron crypto curl cursor daemon data debian debug decode deploy design device diff digest disk dns ' +
  'docker domain driver dump editor email emacs encode engine error event export fabric failover feed fiber file filter ' +
  'firefox firewall flag flow folder format fork frame gateway geekery git graph grep group guide habit hash header heap ' +
  'history hook host howto image import index input install intro java journal json kernel keyboard keys lambda latency ' +
  'layer ldap lease legacy library limit linux list load lock logging logs loop macro mail make manual map memory merge ' +
  'meter metrics mirror mobile module monitor mount mouse mysql network nginx notes objects offset open output package ' +
  'packet page parser patch path pattern perl phone pipe plugin podcast pointer policy pool port postgres power preview ' +
  'print probe process profile project proxy puppet puzzle python query queue quick radio random ranges reader record ' +
  'recover redis regex release remote render repair report request rescue review rewrite router ruby runtime sample ' +
  'scale schema scope script search secure sensor server session shard shell signal simple snapshot socket solver spool ' +
  'ssh stack state static storage stream string style switch syntax system table tags target tests thread tiling timer ' +
  'token tools trace tuning tunnel unicode update'

// 256 words of 16 bytes each: 15 characters at most, then the length.
const words = memory.data(4096)

export function initWords(): void {
  const from = changetype<usize>(wordList)
  let at = words
  let length: usize = 0
  for (let i: usize = 0; i <= <usize>wordList.length; i++) {
    const c = i < <usize>wordList.length ? load<u8>(from + (i << 1)) : 32
    if (c != 32) store<u8>(at + length++, c)
    else {
      store<u8>(at, <u8>length, 15)
      at += 16
      length = 0
    }
  }
}

/** Writes word number index (of 256); needs 16 bytes of room. */
export function putWord(dst: usize, index: u64): usize {
  const word = words + (<usize>(index & 255) << 4)
  v128.store(dst, v128.load(word))
  return dst + load<u8>(word, 15)
}

// Set by putPath for what it wrote.
let status: u32 = 0
let size: u64 = 0
let method: u32 = 0

const GET: u32 = 0
const POST: u32 = 1
const OPTIONS_METHOD: u32 = 2

function putFixed(dst: usize, index: u32): usize {
  let at = changetype<usize>(fixed)
  for (; index > 0; at += 2) if (load<u8>(at) == 124) index--
  method = load<u8>(at) == 71 ? GET : load<u8>(at) == 80 ? POST : OPTIONS_METHOD
  while (load<u8>(at) != 32) at += 2
  at += 2
  for (; load<u8>(at) != 32; at += 2) dst = putByte(dst, load<u8>(at))
  at += 2
  status = 0
  for (; load<u8>(at) != 32; at += 2) status = status * 10 + load<u8>(at) - 48
  at += 2
  size = 0
  const end = changetype<usize>(fixed) + (<usize>fixed.length << 1)
  for (; at < end && load<u8>(at) != 124; at += 2) size = size * 10 + load<u8>(at) - 48
  return dst
}

/** Two words and, for all but the best known, a third: 131,072 different slugs. */
function putSlug(dst: usize, number: u64, h: u64): usize {
  const k = (number * 0x9e35) & 0x1ffff
  dst = putWord(dst, k)
  dst = putByte(dst, 45)
  dst = putWord(dst, k >> 8)
  if (number < 64) return dst
  dst = putByte(dst, 45)
  return putWord(dst, ((k >> 16) << 7) | (h & 127))
}

const HTML_MU: f64 = 9.4
const HTML_SIGMA: f64 = 0.55

/** Pages end in a slash, are HTML files, or have a query; which, their rank decides. Returns the end. */
function putPage(dst: usize, rank: u64): usize {
  const h = mix(rank ^ 0x5ee1)
  size = logNormal(mix(h), HTML_MU, HTML_SIGMA)
  if (rank == 0) {
    size = 37932
    return putByte(dst, 47)
  }
  const kind = <u32>(h & 63)
  if (rank < 6 || kind < 12) {
    dst = put(dst, rank % 2 == 1 ? '/projects/' : '/articles/')
    dst = putSlug(dst, rank, h >> 8)
    return putByte(dst, 47)
  }
  if (kind < 17) {
    dst = put(dst, '/projects/')
    dst = putSlug(dst, rank, h >> 8)
    dst = putByte(dst, 47)
    dst = putWord(dst, h >> 20)
    return put(dst, '.xhtml')
  }
  if (kind < 24) {
    dst = put(dst, '/blog/tags/')
    dst = putWord(dst, h >> 8)
    dst = put(dst, '%20')
    dst = putWord(dst, h >> 16)
    dst = put(dst, '?page=')
    return putDecimal(dst, rank)
  }
  if (kind < 28) {
    dst = put(dst, '/blog/archives/')
    dst = putDecimal(dst, 2004 + ((h >> 8) % 22))
    dst = putByte(dst, 47)
    dst = putPadded(dst, 1 + <u32>((h >> 16) % 12), 2)
    dst = put(dst, '/?from=')
    return putDecimal(dst, rank)
  }
  if (kind < 32) {
    dst = put(dst, '/files/')
    dst = putSlug(dst, rank, h >> 8)
    return put(dst, '/docs/html/index.html')
  }
  dst = put(dst, kind < 54 ? '/blog/geekery/' : kind < 58 ? '/blog/site/' : kind < 61 ? '/blog/productivity/' : '/blog/projects/')
  dst = putSlug(dst, rank, h >> 8)
  return put(dst, '.html')
}

/** Whether the page's URL ends in a slash, so that browsers ask for it without. */
export function isFolder(rank: u64): bool {
  return (rank > 0 && rank < 6) || (rank != 0 && (mix(rank ^ 0x5ee1) & 63) < 12)
}

/** Images of its own that a page shows. */
export function imagesOf(rank: u64): u32 {
  const h = <u32>(mix(rank ^ 0x1a6e) & 255)
  return h < 180 ? 0 : h < 230 ? 1 : h < 250 ? 2 : 4
}

/** Images of a talk's slides. */
export function imagesOfTalk(number: u64): u32 {
  return 12 + <u32>(mix(number ^ 0x7a1c) % 28)
}

function putTalk(dst: usize, number: u64): usize {
  dst = put(dst, '/presentations/')
  dst = putSlug(dst, number, mix(number))
  dst = putByte(dst, 45)
  dst = putDecimal(dst, 2009 + (mix(number ^ 7) % 17))
  return putByte(dst, 47)
}

function putImage(dst: usize, h: u64): usize {
  dst = put(dst, 'images/')
  dst = putWord(dst, h)
  dst = putByte(dst, 45)
  dst = putWord(dst, h >> 8)
  const kind = <u32>(h >> 60)
  size = logNormal(mix(h), 10.7, 1.0)
  return put(dst, kind < 11 ? '.png' : kind < 14 ? '.jpg' : '.gif')
}

/** Writes the item's path and sets status, size and method. */
function putPath(dst: usize, id: u64): usize {
  const kind = id >> 48
  const number = (id >> 16) & 0xffffffff
  const part = (id >> 8) & 255
  status = 200
  method = GET
  if (kind == FIXED) return putFixed(dst, <u32>number)
  if (kind == PAGE) return putPage(dst, number)
  if (kind == TALK) {
    size = logNormal(mix(number ^ 0x7a), 10.2, 0.4)
    return putTalk(dst, number)
  }
  const h = mix(id >> 8)
  if (kind == TALK_IMAGE) return putImage(putTalk(dst, number), h)
  if (kind == PAGE_IMAGE) {
    dst = putByte(dst, 47)
    dst = putImage(dst, h)
    dst = put(dst, '?v=')
    return putDecimal(dst, number * 4 + part)
  }
  if (kind == NO_SLASH) {
    const from = dst
    if (isFolder(number)) dst = putPage(dst, number) - 1
    else dst = putSlug(put(dst, '/projects/'), number, mix(number))
    status = 301
    size = 298 + (dst - from) + 30
    return dst
  }
  if (kind == CAMPAIGN) {
    dst = put(dst, '/blog/geekery/')
    dst = putSlug(dst, number, h)
    size = logNormal(mix(number ^ 0xca), HTML_MU, HTML_SIGMA)
    return put(dst, '.html?utm_source=feedburner&utm_medium=feed&utm_campaign=Feed%3A+millpond%2Fmain+%28millpond+-+notes%29')
  }
  if (kind == SEARCH) {
    dst = put(dst, '/search?q=')
    dst = putWord(dst, h)
    dst = putByte(dst, 43)
    dst = putWord(dst, h >> 8)
    dst = put(dst, '&page=')
    dst = putDecimal(dst, number)
    size = logNormal(mix(h), 9.0, 0.3)
    if (mix(h) % 41 == 0) {
      status = 500
      size = 613
    }
    return dst
  }
  const from = dst
  if (kind == FILE) {
    dst = put(dst, '/files/')
    dst = putWord(dst, h)
    dst = putByte(dst, 47)
    dst = putSlug(dst, number, h >> 8)
    dst = putByte(dst, 45)
    dst = putDecimal(dst, (h >> 20) % 4)
    dst = putByte(dst, 46)
    dst = putDecimal(dst, (h >> 24) % 20)
    const type = (h >> 40) % 4
    size = logNormal(mix(number ^ 0xf11e), 13.5, 1.6)
    return put(dst, type == 0 ? '.pdf' : type == 1 ? '.zip' : '.tar.gz')
  }
  // MISSING
  const type = h & 3
  dst = put(dst, type == 0 ? '/images/' : type == 1 ? '/blog/geekery/' : type == 2 ? '/files/' : '/')
  dst = putSlug(dst, 64 + number, h >> 8)
  dst = put(dst, type == 0 ? '.png' : type == 1 ? '.html%27' : type == 2 ? '.tar.gz' : '.php')
  status = 404
  size = 280 + (dst - from)
  return dst
}

// Cache of rendered items. An entry: 0 id + 1, 8 bytes of the request, 12 bytes of the referrer,
// 16 request with status and size, 272 the item as a referrer.
const ENTRY: usize = 512
const REQUEST: usize = 16
const REFERRER: usize = 272
const FIXED_ENTRIES: usize = 512
const CACHED: usize = 2048
let cache: usize = 0
let format: i32 = 0

/** Gives the cache its memory once, and empties it for the given format. */
export function initSite(forFormat: i32): void {
  if (cache == 0) {
    cache = heap.alloc((FIXED_ENTRIES + CACHED) * ENTRY)
    initWords()
  }
  format = forFormat
  for (let i: usize = 0; i < FIXED_ENTRIES + CACHED; i++) store<u64>(cache + i * ENTRY, 0)
}

function build(entry: usize, id: u64): void {
  store<u64>(entry, id + 1)
  const request = entry + REQUEST
  const variant = id & 3
  const json = format == JSON_LINES
  let dst = request + 8
  const path = dst
  const end = putPath(dst, id)
  // The method goes in front, so its length decides where the request begins; paths move by at most 4 bytes.
  const name = variant == HEAD ? 'HEAD ' : method == GET ? 'GET ' : method == POST ? 'POST ' : 'OPTIONS '
  dst = put(request, name)
  memory.copy(dst, path, end - path)
  const moved = dst
  dst += end - path
  const pathEnd = dst
  dst = put(dst, (id & HTTP10) != 0 ? ' HTTP/1.0"' : ' HTTP/1.1"')
  let bytes = size
  if (variant == NOT_MODIFIED) {
    status = 304
    bytes = 0
  } else if (variant == HEAD) bytes = 0
  else if (variant == PARTIAL) {
    status = 206
    bytes = 1 + (mix(id) % size)
  }
  if (json) {
    dst = put(dst, ',"status":')
    dst = putDecimal(dst, status)
    dst = put(dst, ',"body_bytes_sent":')
    dst = putDecimal(dst, bytes)
    dst = putByte(dst, 44)
  } else {
    dst = putByte(dst, 32)
    dst = putDecimal(dst, status)
    dst = putByte(dst, 32)
    dst = bytes == 0 ? putByte(dst, 45) : putDecimal(dst, bytes)
    dst = putByte(dst, format == COMMON ? 10 : 32)
  }
  store<u32>(entry, <u32>(dst - request), 8)
  const referrer = entry + REFERRER
  dst = put(referrer, json ? '"http_referer":"' : '"')
  dst = put(dst, (mix(id >> 16) & 3) == 0 ? 'http://millpond.example' : 'http://www.millpond.example')
  memory.copy(dst, moved, pathEnd - moved)
  dst += pathEnd - moved
  dst = put(dst, json ? '",' : '" ')
  store<u32>(entry, <u32>(dst - referrer), 12)
}

/** The rendered item; valid until the next call. */
export function entryOf(id: u64): usize {
  const index =
    id >> 48 == FIXED
      ? <usize>(((id >> 16) << 3) | (id & 7))
      : FIXED_ENTRIES + <usize>((id * 0x9e3779b97f4a7c15) >> 53)
  const entry = cache + index * ENTRY
  if (load<u64>(entry) != id + 1) build(entry, id)
  return entry
}

// @ts-expect-error: decorator
@inline
export function requestOf(entry: usize): usize {
  return entry + REQUEST
}

// @ts-expect-error: decorator
@inline
export function requestBytes(entry: usize): usize {
  return <usize>load<u32>(entry, 8)
}

// @ts-expect-error: decorator
@inline
export function referrerOf(entry: usize): usize {
  return entry + REFERRER
}

// @ts-expect-error: decorator
@inline
export function referrerBytes(entry: usize): usize {
  return <usize>load<u32>(entry, 12)
}
