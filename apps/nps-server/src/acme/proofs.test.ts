import { expect, it } from 'vitest'
import { Proofs } from './proofs.ts'

it('is told to who asks at its place, as long as it is there', () => {
  const proofs = new Proofs()
  proofs.add('a.example', 'token', 'proof')
  const path = '/.well-known/acme-challenge/token'
  expect(proofs.proofOf('a.example', path)).toBe('proof')
  expect(proofs.proofOf('b.example', path)).toBeUndefined()
  expect(proofs.proofOf('a.example', `${path}s`)).toBeUndefined()
  expect(proofs.proofOf('a.example', '/token')).toBeUndefined()
  proofs.remove('a.example', 'token')
  expect(proofs.proofOf('a.example', path)).toBeUndefined()
})
