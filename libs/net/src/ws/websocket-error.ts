import { NetError } from '../net-error.ts'
import { CLOSE_CODE } from './frame.ts'

/**
 * WEBSOCKET_CLOSED: the peer closed before both sides had ended. WEBSOCKET_INVALID: it breaks the protocol, and was told
 * so.
 */
export class WebSocketError extends NetError {
  /** What the close frame said, the peer's or ours (RFC 6455 §7.4.1): 1006 where there was none, 1005 one without a code. */
  readonly closeCode: number

  constructor(code: 'WEBSOCKET_CLOSED' | 'WEBSOCKET_INVALID', message: string, closeCode: number) {
    super(code, message)
    this.closeCode = closeCode
  }
}

export const closedWith = (code: number): WebSocketError =>
  new WebSocketError('WEBSOCKET_CLOSED', `the peer closed the WebSocket with ${code}`, code)

export const closedWithout = (): WebSocketError =>
  new WebSocketError('WEBSOCKET_CLOSED', 'the WebSocket ended without a close', CLOSE_CODE.ABNORMAL)
