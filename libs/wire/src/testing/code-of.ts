import { WireError, type WireErrorCode } from '../wire-error.ts'

/** The code of the WireError that `act` throws, undefined when it throws none; any other error passes through. */
export function codeOf(act: () => unknown): WireErrorCode | undefined {
  try {
    act()
    return undefined
  } catch (error) {
    if (error instanceof WireError) return error.code
    throw error
  }
}
