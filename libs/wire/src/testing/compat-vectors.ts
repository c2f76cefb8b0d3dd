/** A key of 33 bytes, 20 to 40. */
const KEY =
  '20 21 22 23 24 25 26 27 28 29 2a 2b 2c 2d 2e 2f 30 31 32 33 34 35 36 37 38 39 3a 3b 3c 3d 3e 3f 40'

// Made from the formulas by other means than this library.

/** The start of a request with the random bytes 00 01 02 03. */
export const MAGIC: string = '00 01 02 03 5a 72 86 9e'

/** `{"url":"https://example.com/","headers":{}}` */
export const REQUEST: string = `${MAGIC} 00 00 00 4d 21 ${KEY}
  5b 03 57 51 48 07 1c 05 40 5d 5e 5b 5f 17 01 00 55 49 53 5e 44 59 53 19 5b 56 57 14 1e 11 1c 57
  25 41 45 47 51 57 07 1c 5c 55 54`

/** `{"status_code":200,"headers":{"X":"é"},"body":"ok"}` */
export const RESPONSE: string = `00 00 00 56 21 ${KEY}
  5b 03 51 57 45 51 53 54 77 4a 45 4f 49 0f 14 1d 00 01 1e 11 5c 50 57 53 5d 4b 49 19 06 46 1c 67
  62 1a 03 e1 8a 06 58 0a 05 4a 46 4e 52 0e 17 0c 40 5b 13 4f`

/** No data at all. */
export const EMPTY: string = `00 00 00 22 21 ${KEY}`
