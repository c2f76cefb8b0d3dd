/** A name and a password exactly as they came, in bytes: no protocol here fixes their encoding, and comparing bytes needs none. */
export interface Credentials {
  readonly username: Uint8Array
  readonly password: Uint8Array
}
