// A parsed line as a row of a Native block, and a rejected line as a row of the block of rejects. The host knows the same widths and orders.
import { Arena } from './arena'
import { Block, makeRowRoom, makeTextRoom, putText, textsOf, valuesOf } from './native-block'
import { inet, line } from './parse-line'

/** Address, position, bytes, source, created_at, status, and whether bytes, referrer and agent are NULL: 16, 8, 8, 4, 4, 2, 1, 1, 1. */
const ROW_WIDTH: usize = 45
/** Position, source and length: 8, 4, 4. */
const REJECT_WIDTH: usize = 16
/** Seconds from 1970 to 2000. */
const EPOCH: i64 = 946684800

/** Appends the parsed line; false when the arena is full, and then nothing is appended. */
export function putRow(arena: Arena, block: Block, source: i32, position: i64): bool {
  const user = textsOf(block, 0)
  const method = textsOf(block, 1)
  const path = textsOf(block, 2)
  const protocol = textsOf(block, 3)
  const referrer = textsOf(block, 4)
  const agent = textsOf(block, 5)
  if (
    !makeRowRoom(arena, block, ROW_WIDTH) ||
    !makeTextRoom(arena, user, line.userLength) ||
    !makeTextRoom(arena, method, line.methodLength) ||
    !makeTextRoom(arena, path, line.pathLength) ||
    !makeTextRoom(arena, protocol, line.protocolLength) ||
    !makeTextRoom(arena, referrer, line.referrerLength) ||
    !makeTextRoom(arena, agent, line.agentLength)
  )
    return false

  const rows = block.stripeRows as usize
  const row = block.stripeUsed as usize
  let column = valuesOf(block)
  if (load<u8>(inet) == 2) {
    // An IPv4 address as the IPv6 address that it is mapped to, ::ffff:a.b.c.d.
    store<u64>(column + (row << 4), 0)
    store<u64>(column + (row << 4), ((load<u32>(inet, 2) as u64) << 32) | 0xffff0000, 8)
  } else v128.store(column + (row << 4), v128.load(inet, 2))
  column += rows << 4
  store<i64>(column + (row << 3), position)
  column += rows << 3
  const sizeNull = line.size < 0
  store<i64>(column + (row << 3), sizeNull ? 0 : line.size)
  column += rows << 3
  store<i32>(column + (row << 2), source)
  column += rows << 2
  store<u32>(column + (row << 2), (line.created / 1000000 + EPOCH) as u32)
  column += rows << 2
  store<i16>(column + (row << 1), line.status as i16)
  column += rows << 1
  store<u8>(column + row, sizeNull as u8)
  column += rows
  store<u8>(column + row, (line.referrerLength < 0) as u8)
  column += rows
  store<u8>(column + row, (line.agentLength < 0) as u8)

  putText(user, line.user, line.userLength)
  putText(method, line.method, line.methodLength)
  putText(path, line.path, line.pathLength)
  putText(protocol, line.protocol, line.protocolLength)
  putText(referrer, line.referrer, line.referrerLength)
  putText(agent, line.agent, line.agentLength)
  block.stripeUsed++
  block.rows++
  return true
}

/** Appends a rejected line of `length` bytes, of which `kept` lie at `p`; false when the arena is full, and then nothing is appended. */
export function putReject(arena: Arena, block: Block, source: i32, position: i64, reason: usize, reasonLength: usize, length: u32, p: usize, kept: usize): bool {
  const reasons = textsOf(block, 0)
  const lines = textsOf(block, 1)
  if (
    !makeRowRoom(arena, block, REJECT_WIDTH) ||
    !makeTextRoom(arena, reasons, reasonLength as i32) ||
    !makeTextRoom(arena, lines, kept as i32)
  )
    return false
  const rows = block.stripeRows as usize
  const row = block.stripeUsed as usize
  let column = valuesOf(block)
  store<i64>(column + (row << 3), position)
  column += rows << 3
  store<i32>(column + (row << 2), source)
  column += rows << 2
  store<u32>(column + (row << 2), length)
  putText(reasons, reason, reasonLength as i32)
  putText(lines, p, kept as i32)
  block.stripeUsed++
  block.rows++
  return true
}
