import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { BaseConfig } from './config.ts'

/** Where a program keeps its users and their usage. */
export const storeUrl = ({ data, store }: Pick<BaseConfig, 'data' | 'store'>): string => {
  if (store !== undefined) return store
  mkdirSync(data, { recursive: true, mode: 0o700 })
  return `sqlite:${join(data, 'sluice.db')}`
}
