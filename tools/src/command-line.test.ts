import { expect, it } from 'vitest'
import { readCommandLine, UsageError } from './command-line.ts'

const NAMES = ['wire', 'net']
const FLAGS = {
  seconds: { least: 1, most: 100, otherwise: 20 },
  seed: { least: 0, most: 9, whole: true, otherwise: 5 },
}
const read = (line: string): unknown => readCommandLine(line.split(' ').filter(Boolean), NAMES, FLAGS)

it.each([
  ['', { names: NAMES, numbers: { seconds: 20, seed: 5 } }],
  ['net', { names: ['net'], numbers: { seconds: 20, seed: 5 } }],
  ['wire --seconds 1.5 --seed 0', { names: ['wire'], numbers: { seconds: 1.5, seed: 0 } }],
  ['wire -- --seed=9', { names: ['wire'], numbers: { seconds: 20, seed: 9 } }],
])('reads "%s"', (line, chosen) => {
  expect(read(line)).toEqual(chosen)
})

it.each([
  ['wired', "'wired' is none of wire, net"],
  ['--seconds 0', '--seconds wants a number from 1 to 100'],
  ['--seconds=', '--seconds wants a number from 1 to 100'],
  ['--seed 1.5', '--seed wants a whole number from 0 to 9'],
  ['--seed 0x', '--seed wants a whole number from 0 to 9'],
  ['--sed 1', "Unknown option '--sed'"],
])('refuses "%s"', (line, message) => {
  expect(() => read(line)).toThrow(UsageError)
  expect(() => read(line)).toThrow(message)
})
