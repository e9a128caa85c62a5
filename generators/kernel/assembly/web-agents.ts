// Who visits the site of profile `web`: browsers' agent strings, and the robots with their addresses and habits.

import { initOctaves, mix, put, putByte, putDecimal, putHex, rankOf } from './render-text'
import { COMMON, JSON_LINES, putWord } from './web-site'

const BROWSERS: u32 = 1023
const ROBOT_AGENTS: u32 = 64
/** Index of the agent of clients that name none. */
export const NO_AGENT: u32 = BROWSERS + ROBOT_AGENTS

const ends = memory.data((1023 + 64 + 2) * 4)
let texts: usize = 0
let textEnd: usize = 0
let json: bool = false
const octaves = memory.data(256)

const windows = 'Windows NT 10.0; Win64; x64|Windows NT 6.1; WOW64|Windows NT 6.3; Win64; x64|Windows NT 10.0; WOW64'
const linux = 'X11; Linux x86_64|X11; Ubuntu; Linux x86_64|X11; CrOS x86_64 14541.0.0|X11; Fedora; Linux x86_64'
const mac = 'Macintosh; Intel Mac OS X 10_15_7|Macintosh; Intel Mac OS X 10_14_6|Macintosh; Intel Mac OS X 10_13_6|Macintosh; Intel Mac OS X 11_6_8'
const android =
  'Linux; Android 10; K|Linux; Android 14; Pixel 8|Linux; Android 13; SM-S911B|Linux; Android 12; SM-A525F|Linux; Android 13; M2101K6G|' +
  'Linux; Android 11; moto g power|Linux; Android 14; SM-G998U|Linux; Android 9; JKM-LX1'

// Robots' agents, the busiest first; ROBOT_AGENTS at most.
const robotAgents =
  'Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)|UniversalFeedParser/5.2.1 +https://code.google.com/p/feedparser/|' +
  'Mozilla/5.0 (compatible; archive.org_bot +http://www.archive.org/details/archive.org_bot)|' +
  'Mozilla/5.0 (iPhone; CPU iPhone OS 8_3 like Mac OS X) AppleWebKit/600.1.4 (KHTML, like Gecko) Version/8.0 Mobile/12F70 Safari/600.1.4 (compatible; Googlebot-Mobile/2.1; +http://www.google.com/bot.html)|' +
  'Tiny Tiny RSS/21.05 (https://tt-rss.org/)|Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)|' +
  'Mozilla/5.0 (compatible; Yahoo! Slurp; http://help.yahoo.com/help/us/ysearch/slurp)|FeedBurner/1.0 (http://www.FeedBurner.com)|' +
  'Mozilla/5.0 (compatible; AhrefsBot/7.0; +http://ahrefs.com/robot/)|Mozilla/5.0 (compatible; SemrushBot/7~bl; +http://www.semrush.com/bot.html)|' +
  'Mozilla/5.0 (compatible; YandexBot/3.0; +http://yandex.com/bots)|Mozilla/5.0 (compatible; Baiduspider/2.0; +http://www.baidu.com/search/spider.html)|' +
  'Chef Client/18.4.12 (ruby-3.1.4-p223; ohai-18.1.3; x86_64-linux; +https://chef.io)|Mozilla/5.0 (compatible; MJ12bot/v1.4.8; http://mj12bot.com/)|' +
  'Mozilla/5.0 (compatible; DotBot/1.2; +https://opensiteexplorer.org/dotbot; help@moz.com)|msnbot-media/1.1 (+http://search.msn.com/msnbot.htm)|' +
  'Feedfetcher-Google; (+http://www.google.com/feedfetcher.html; 22 subscribers; feed-id=8321906634162087507)|Feedbin feed-id:1373711 - 31 subscribers|' +
  'NewsBlur Feed Fetcher - 14 subscribers - http://www.newsblur.com/site/1043/|Mozilla/5.0 (compatible; PetalBot;+https://webmaster.petalsearch.com/site/petalbot)|' +
  'DuckDuckBot/1.1; (+http://duckduckgo.com/duckduckbot.html)|facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)|Twitterbot/1.0|' +
  'Mozilla/5.0 (compatible; Applebot/0.1; +http://www.apple.com/go/applebot)|curl/7.88.1|Wget/1.21.3|python-requests/2.31.0|Go-http-client/1.1|' +
  'Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; GPTBot/1.2; +https://openai.com/gptbot)|CCBot/2.0 (https://commoncrawl.org/faq/)|' +
  'Mozilla/5.0 (compatible; SeznamBot/4.0; +http://napoveda.seznam.cz/seznambot-intro/)|Mozilla/5.0 (compatible; Exabot/3.0; +http://www.exabot.com/go/robot)|' +
  'Sogou web spider/4.0(+http://www.sogou.com/docs/help/webmasters.htm#07)|ia_archiver (+http://www.alexa.com/site/help/webmasters; crawler@alexa.com)|' +
  'Mozilla/5.0 (compatible; BLEXBot/1.0; +http://webmeup-crawler.com/)|Mozilla/5.0 (compatible; DataForSeoBot/1.0; +https://dataforseo.com/dataforseo-bot)|' +
  'Feedly/1.0 (+http://www.feedly.com/fetcher.html; 41 subscribers; like FeedFetcher-Google)|Inoreader/1.0 (+http://www.inoreader.com/feed-fetcher; 7 subscribers; )|' +
  'Liferea/1.12.9 (Linux; de_DE.UTF-8; http://liferea.sourceforge.net/) AppleWebKit (KHTML, like Gecko)|Mozilla/5.0 (compatible; UptimeRobot/2.0; http://www.uptimerobot.com/)|' +
  'Pingdom.com_bot_version_1.4_(http://www.pingdom.com/)|W3C_Validator/1.3 http://validator.w3.org/services|Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)|' +
  'TelegramBot (like TwitterBot)|LinkedInBot/1.0 (compatible; Mozilla/5.0; Apache-HttpClient +http://www.linkedin.com)|Java/1.8.0_381|libwww-perl/6.67|' +
  'Mozilla/5.0 (compatible; spbot/5.0.3; +http://OpenLinkProfiler.org/bot )|R6_FeedFetcher(www.radian6.com/crawler)|Netvibes (http://www.netvibes.com/; 3 subscribers)'

/** Writes the part number index (modulo their count) of a list separated by bars. */
function putPart(dst: usize, list: string, index: u64): usize {
  const from = changetype<usize>(list)
  const end = from + (<usize>list.length << 1)
  let parts: u64 = 1
  for (let at = from; at < end; at += 2) if (load<u8>(at) == 124) parts++
  index %= parts
  let at = from
  for (; index > 0; at += 2) if (load<u8>(at) == 124) index--
  for (; at < end && load<u8>(at) != 124; at += 2) dst = putByte(dst, load<u8>(at))
  return dst
}

/** Current versions are common, old ones linger: a geometric age below `newest`. */
function version(h: u64, newest: u64, oldest: u64): u64 {
  const age = <u64>ctz((h & 0x3f) | 0x40) * 2 + ((h >> 8) & 3) * ((h >> 10) & 7)
  return newest - oldest < age ? oldest : newest - age
}

function putBrowser(dst: usize, rank: u32): usize {
  const h = mix(<u64>rank ^ 0xa6e7)
  const h2 = mix(h)
  const kind = rank < 8 ? rank : <u32>(h % 40)
  const newest: u64 = rank < 8 ? 143 : version(h2, 143, 96)
  if (kind < 16) {
    dst = put(dst, 'Mozilla/5.0 (')
    dst = putPart(dst, kind % 4 < 2 ? windows : kind % 4 == 2 ? mac : linux, rank < 8 ? 0 : (h >> 20) & (h >> 22))
    dst = put(dst, ') AppleWebKit/537.36 (KHTML, like Gecko) Chrome/')
    dst = putDecimal(dst, newest)
    dst = put(dst, '.0.')
    dst = putDecimal(dst, rank < 8 ? 0 : (h >> 30) % 3 != 0 ? 4000 + ((h >> 33) & 1023) : 0)
    dst = put(dst, '.0 Safari/537.36')
    if ((h >> 44) % 9 == 0) {
      dst = put(dst, ' Edg/')
      dst = putDecimal(dst, newest)
      dst = put(dst, '.0.0.0')
    }
    return dst
  }
  if (kind < 25) {
    dst = put(dst, 'Mozilla/5.0 (')
    dst = putPart(dst, kind < 20 ? windows : kind < 24 ? linux : 'Macintosh; Intel Mac OS X 10.15', (h >> 20) & (h >> 22))
    dst = put(dst, '; rv:')
    dst = putDecimal(dst, newest)
    dst = put(dst, '.0) Gecko/20100101 Firefox/')
    dst = putDecimal(dst, newest)
    return put(dst, '.0')
  }
  if (kind < 28) {
    dst = put(dst, 'Mozilla/5.0 (')
    dst = putPart(dst, mac, (h >> 20) & (h >> 22))
    dst = put(dst, ') AppleWebKit/605.1.15 (KHTML, like Gecko) Version/')
    dst = putDecimal(dst, version(h2, 18, 12))
    dst = putByte(dst, 46)
    dst = putDecimal(dst, (h >> 30) % 7)
    return put(dst, ' Safari/605.1.15')
  }
  if (kind < 32) {
    dst = put(dst, kind == 31 ? 'Mozilla/5.0 (iPad; CPU OS ' : 'Mozilla/5.0 (iPhone; CPU iPhone OS ')
    const major = version(h2, 18, 11)
    dst = putDecimal(dst, major)
    dst = putByte(dst, 95)
    dst = putDecimal(dst, (h >> 30) % 7)
    dst = put(dst, ' like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/')
    dst = putDecimal(dst, major)
    dst = putByte(dst, 46)
    dst = putDecimal(dst, (h >> 30) % 7)
    return put(dst, ' Mobile/15E148 Safari/604.1')
  }
  if (kind < 37) {
    dst = put(dst, 'Mozilla/5.0 (')
    dst = putPart(dst, android, h >> 20)
    dst = put(dst, ') AppleWebKit/537.36 (KHTML, like Gecko) Chrome/')
    dst = putDecimal(dst, newest)
    return put(dst, '.0.0.0 Mobile Safari/537.36')
  }
  if (kind == 37) {
    dst = put(dst, 'Mozilla/5.0 (compatible; MSIE ')
    dst = putDecimal(dst, 7 + ((h >> 20) & 3))
    dst = put(dst, '.0; Windows NT 6.')
    dst = putDecimal(dst, (h >> 24) & 1)
    return put(dst, (h >> 26) % 3 == 0 ? '; Trident/5.0)' : '; SV1; .NET CLR 2.0.50727; InfoPath.2)')
  }
  if (kind == 38) {
    dst = put(dst, 'Opera/9.80 (')
    dst = putPart(dst, windows, h >> 20)
    dst = put(dst, ') Presto/2.12.388 Version/12.')
    return putDecimal(dst, (h >> 24) % 18)
  }
  dst = putWord(dst, h >> 20)
  dst = put(dst, '-reader/')
  dst = putDecimal(dst, (h >> 30) % 5)
  dst = putByte(dst, 46)
  dst = putDecimal(dst, (h >> 34) % 30)
  dst = put(dst, ' CFNetwork/')
  dst = putDecimal(dst, 1220 + ((h >> 40) & 255))
  return put(dst, ' Darwin/22.6.0')
}

function openText(): usize {
  return put(textEnd, json ? '"http_user_agent":"' : '"')
}

function closeText(index: u32, dst: usize): void {
  dst = put(dst, json ? '"}\n' : '"\n')
  store<u32>(ends + (<usize>index << 2), <u32>(dst - textEnd))
  textEnd = dst
}

/** Writes all agents as the format ends its lines with them. */
export function initAgents(format: i32): void {
  if (texts == 0) {
    texts = heap.alloc(AGENTS * STRIDE)
    initOctaves(octaves, '26 11 11 13 18 26 38 54 64 64')
  }
  json = format == JSON_LINES
  for (let i: u32 = 0; i <= NO_AGENT; i++) {
    textEnd = texts + <usize>i * STRIDE
    let dst = openText()
    if (i < BROWSERS) dst = putBrowser(dst, i)
    else if (i < NO_AGENT) dst = putPart(dst, robotAgents, i - BROWSERS)
    else if (!json) dst = putByte(dst, 45)
    if (format == COMMON) dst = textEnd
    closeText(i, dst)
  }
}

const STRIDE: usize = 288
const AGENTS: usize = 1023 + 64 + 1

// @ts-expect-error: decorator
@inline
export function agentText(index: u32): usize {
  return texts + <usize>index * STRIDE
}

// @ts-expect-error: decorator
@inline
export function agentBytes(index: u32): usize {
  return <usize>load<u32>(ends + (<usize>index << 2))
}

/** The agent of a visitor with these hash bits. */
export function agentOf(h: u64): u32 {
  const rank = rankOf(h, octaves)
  return ((h >> 40) & 127) < 3 ? NO_AGENT : rank < BROWSERS ? rank : BROWSERS - 1
}

export function robotAgent(index: u32): u32 {
  return BROWSERS + index
}

/** An agent of a small feed reader or script. */
export function scriptAgent(h: u64): u32 {
  return BROWSERS + 16 + <u32>(h % 34)
}

const firstOctets = memory.data<u8>([
  2, 5, 8, 13, 14, 18, 20, 23, 24, 31, 34, 37, 40, 46, 49, 50, 52, 54, 58, 61, 62, 65, 66, 68, 69, 70, 71, 72, 73, 74, 75, 76, 77, 78, 79, 80,
  81, 82, 83, 84, 85, 86, 87, 88, 89, 90, 91, 92, 93, 94, 95, 98, 99, 101, 103, 106, 109, 115, 121, 174, 185, 188, 207, 213,
])

/** The address that belongs to hash bits: IPv4, or IPv6 in canonical form for 6% of them. */
export function putAddress(dst: usize, h: u64): usize {
  if ((h & 255) < 15) {
    const network = <u32>(h >> 8) & 7
    dst = put(
      dst,
      network == 0 ? '2a02:' : network == 1 ? '2600:' : network == 2 ? '2001:' : network == 3 ? '2804:' : network == 4 ? '240e:' : '2a01:',
    )
    dst = putHex(dst, (<u32>(h >> 11) & 0xfff) | 0x400)
    dst = putByte(dst, 58)
    dst = putHex(dst, (<u32>(h >> 23) & 0x7fff) | 1)
    if ((h & 1) == 0) {
      dst = put(dst, '::')
      return putHex(dst, (<u32>(h >> 40) & 0xff) | 1)
    }
    let rest = mix(h)
    for (let i = 0; i < 5; i++) {
      dst = putByte(dst, 58)
      dst = putHex(dst, (<u32>rest & 0xffff) | 0x10)
      rest >>= 12
    }
    return dst
  }
  dst = putDecimal(dst, load<u8>(firstOctets + (<usize>(h >> 8) & 63)))
  dst = putByte(dst, 46)
  dst = putDecimal(dst, (h >> 16) & 255)
  dst = putByte(dst, 46)
  dst = putDecimal(dst, (h >> 24) & 255)
  dst = putByte(dst, 46)
  return putDecimal(dst, 1 + ((h >> 32) % 254))
}
