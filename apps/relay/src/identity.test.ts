import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { nodeIdOf, parseNodeId } from '@sluice/wire/relay'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { freshIdentity, openIdentity } from './identity.ts'

let folder: string
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), 'identity-'))))
afterEach(() => rmSync(folder, { recursive: true }))

it('has the NodeID that follows from its key, and the same one when it is opened again', () => {
  const file = join(folder, 'relay.pem')
  const made = openIdentity(file)
  expect(made.nodeId).toEqual(nodeIdOf(made.publicKey))
  expect(parseNodeId(made.id)).toEqual(made.nodeId)
  expect(openIdentity(file).id).toBe(made.id)
  expect(freshIdentity().id).not.toBe(made.id)
})
