export { checkCompat } from './check-compat.ts'
export { type CompatAccess, compatAccount, compatHandshake } from './compat-handshake.ts'
export { COMPAT_DEADLINES, type CompatSettings } from './settings.ts'
