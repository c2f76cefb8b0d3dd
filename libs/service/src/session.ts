import type { Conn, Route } from '@sluice/net'
import { type Code, codeOf } from './errors.ts'
import type { Handshake, Request, ServedRequest } from './request.ts'
import type { SessionParts } from './session-parts.ts'

/** One connection, from handshake to account. Never throws: the outcome is the code. */
export async function runSession(conn: Conn, handshake: Handshake, parts: SessionParts): Promise<Code> {
  const session = parts.sessions.open(conn, parts)
  let request: Request | ServedRequest | undefined
  let route: Route | undefined
  let code: Code = 'OK'
  let failure: unknown
  try {
    request = await session.handshake(handshake) // who, and where to
    session.admit(request) // whether they may, now; from here on they hold one of their connections
    if ('serve' in request) await session.serve(request)
    else {
      route = await session.reach(request) // once it is its turn, past the address policy, within a deadline
      const client = session.accept(request, route) // only now is success told
      await session.relay(client, route.conn) // both ways, until both have ended
    }
  } catch (error) {
    failure = error
    code = codeOf(error)
    await session.reject(request, code, failure) // each protocol has its own words for it
  } finally {
    route?.conn.destroy()
    conn.destroy()
    session.close(code, failure) // one line in the log, one count in the metrics
  }
  return code
}
