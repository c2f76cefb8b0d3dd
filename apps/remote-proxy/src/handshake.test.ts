import { describe } from 'vitest'
import { DIALECTS } from './testing/dialects.ts'
import { handshakeContract } from './testing/handshake-contract.ts'

describe.each(DIALECTS)('$name', (dialect) => {
  handshakeContract(dialect)
})
