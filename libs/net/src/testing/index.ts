export { CERTIFICATE, CERTIFICATE_KEY } from './certificate.ts'
export { type Authority, createAuthority, type Identity } from './certificates.ts'
