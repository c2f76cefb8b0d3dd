/** Every code an error of this library can have. */
export const RATELIMIT_ERROR_CODES = ['GATE_CLOSED', 'GATE_FULL', 'GATE_TIMEOUT'] as const

/**
 * - `GATE_CLOSED`: the gate was closed before or while waiting
 * - `GATE_FULL`: no slot is free and the waiting room has no place, by count, by bytes or for this key
 * - `GATE_TIMEOUT`: no slot came free in time
 */
export type GateErrorCode = (typeof RATELIMIT_ERROR_CODES)[number]

/** Why {@link Gate.enter} let nobody in. The code is stable, the message is for people. */
export class GateError extends Error {
  override readonly name = 'GateError'
  readonly code: GateErrorCode

  constructor(code: GateErrorCode, message: string) {
    super(message)
    this.code = code
  }
}
