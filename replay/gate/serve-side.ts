/** Answers a gate's requests, a JSON line for each, until it is told to close or nobody is there any more. */
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { gateProtocol, type SideAnswers, type SideReply, type SideRequest } from './protocol.js'
import { Side } from './side.js'

/**
 * @param input requests; its end (the gate has ended, however) closes the side in order
 * @param reply writes one answer
 */
export async function serveSide(input: Readable, reply: (line: string) => Promise<void>): Promise<void> {
  let side: Side | undefined
  const answer = async (request: SideRequest): Promise<SideAnswers[keyof SideAnswers]> => {
    if (request.do === 'open') {
      side = await Side.open(request.spec)
      return side.facts()
    }
    if (side === undefined) throw new Error('nothing is open on this side')
    if (request.do === 'block') return side.block(request.records, request.recordsPerSecond)
    if (request.do === 'audit') return side.audit()
    await side.close()
    side = undefined
    return {}
  }
  try {
    for await (const line of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) {
      const request = JSON.parse(line) as SideRequest
      await reply(`${JSON.stringify(await replyTo(request, answer))}\n`)
      if (request.do === 'close') return
    }
  } finally {
    await side?.close()
  }
}

async function replyTo(
  request: SideRequest,
  answer: (request: SideRequest) => Promise<SideAnswers[keyof SideAnswers]>,
): Promise<SideReply> {
  if (request.do === 'open' && request.protocol !== gateProtocol) {
    return {
      ok: false,
      protocol: gateProtocol,
      error: `this build speaks version ${gateProtocol} of the gate's protocol, not ${request.protocol}`,
    }
  }
  try {
    return { ok: true, value: await answer(request) }
  } catch (error) {
    return { ok: false, error: error instanceof Error ? error.message : String(error) }
  }
}
