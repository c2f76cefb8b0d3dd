/*
 * Shadowsocks as a client speaks it: keys, what is sealed, what is opened. The methods of 2017 (SIP004, SIP007) and
 * those of 2022 with AES (SIP022). libcrypto has all of it but BLAKE3, of which one block is enough here.
 */
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <stdint.h>
#include <string.h>

#define MAX_KEY 32
#define MAX_CHUNK 0xffff
#define TAG_BYTES 16
#define ADDRESS_BYTES 7 /* type, IPv4 address, port */
#define NONCE_BYTES 12
#define FIXED_HEAD_BYTES 11 /* 2022: type, time, length of what follows */

struct method {
  const char *name;
  int key_bytes, is_2022, chunk_bytes;
  const EVP_CIPHER *(*cipher)(void);
};

static const struct method methods[] = {
    {"aes-128-gcm", 16, 0, 0x3fff, EVP_aes_128_gcm},
    {"aes-256-gcm", 32, 0, 0x3fff, EVP_aes_256_gcm},
    {"chacha20-ietf-poly1305", 32, 0, 0x3fff, EVP_chacha20_poly1305},
    {"2022-blake3-aes-128-gcm", 16, 1, 0xffff, EVP_aes_128_gcm},
    {"2022-blake3-aes-256-gcm", 32, 1, 0xffff, EVP_aes_256_gcm},
};

static const struct method *method;
static uint8_t master_key[MAX_KEY];

static void put_u16(uint8_t *out, int value) {
  out[0] = (uint8_t)(value >> 8);
  out[1] = (uint8_t)value;
}

static int get_u16(const uint8_t *bytes) {
  return bytes[0] << 8 | bytes[1];
}

/* ---- BLAKE3 (https://github.com/BLAKE3-team/BLAKE3-specs), for inputs of one block --------------------- */

enum { CHUNK_START = 1, CHUNK_END = 2, ROOT = 8, DERIVE_KEY_CONTEXT = 32, DERIVE_KEY_MATERIAL = 64 };
#define BLOCK_BYTES 64
#define ONLY_BLOCK (CHUNK_START | CHUNK_END | ROOT)

static const uint32_t blake3_iv[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                      0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};

static uint32_t rotated(uint32_t value, int bits) {
  return value >> bits | value << (32 - bits);
}

static void blake3_mix(uint32_t *s, int a, int b, int c, int d, uint32_t x, uint32_t y) {
  s[a] += s[b] + x;
  s[d] = rotated(s[d] ^ s[a], 16);
  s[c] += s[d];
  s[b] = rotated(s[b] ^ s[c], 12);
  s[a] += s[b] + y;
  s[d] = rotated(s[d] ^ s[a], 8);
  s[c] += s[d];
  s[b] = rotated(s[b] ^ s[c], 7);
}

static void blake3_round(uint32_t *s, const uint32_t *m) {
  for (int i = 0; i < 4; i++) blake3_mix(s, i, 4 + i, 8 + i, 12 + i, m[2 * i], m[2 * i + 1]);
  for (int i = 0; i < 4; i++)
    blake3_mix(s, i, 4 + (i + 1) % 4, 8 + (i + 2) % 4, 12 + (i + 3) % 4, m[8 + 2 * i], m[9 + 2 * i]);
}

static uint32_t little_endian(const uint8_t *bytes) {
  return bytes[0] | bytes[1] << 8 | bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

/* The first 32 bytes of the hash of at most one block. */
static void blake3_block(const uint32_t *key, const uint8_t *input, int length, uint32_t flags, uint32_t *out) {
  static const uint8_t order[16] = {2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8};
  uint8_t block[BLOCK_BYTES] = {0};
  uint32_t s[16], m[16], shuffled[16];
  memcpy(block, input, length);
  for (int i = 0; i < 16; i++) m[i] = little_endian(block + 4 * i);
  memcpy(s, key, 32);
  memcpy(s + 8, blake3_iv, 16);
  s[12] = s[13] = 0;
  s[14] = (uint32_t)length;
  s[15] = flags;
  for (int round = 0; round < 7; round++) {
    blake3_round(s, m);
    for (int i = 0; i < 16; i++) shuffled[i] = m[order[i]];
    memcpy(m, shuffled, sizeof m);
  }
  for (int i = 0; i < 8; i++) out[i] = s[i] ^ s[i + 8];
}

static void blake3_derive_key(const char *context, const uint8_t *material, int length, uint8_t *out) {
  uint32_t key[8], words[8];
  blake3_block(blake3_iv, (const uint8_t *)context, (int)strlen(context), ONLY_BLOCK | DERIVE_KEY_CONTEXT, key);
  blake3_block(key, material, length, ONLY_BLOCK | DERIVE_KEY_MATERIAL, words);
  for (int i = 0; i < 32; i++) out[i] = (uint8_t)(words[i / 4] >> 8 * (i % 4));
}

/* ---- Keys -------------------------------------------------------------------------------------------- */

/* EVP_BytesToKey of OpenSSL, with MD5, no salt and one round. */
static void key_of_password(const char *password) {
  uint8_t digest[16];
  EVP_MD_CTX *md5 = EVP_MD_CTX_new();
  for (int done = 0; done < method->key_bytes; done += sizeof digest) {
    EVP_DigestInit_ex(md5, EVP_md5(), NULL);
    if (done) EVP_DigestUpdate(md5, digest, sizeof digest);
    EVP_DigestUpdate(md5, password, strlen(password));
    EVP_DigestFinal_ex(md5, digest, NULL);
    memcpy(master_key + done, digest, sizeof digest);
  }
  EVP_MD_CTX_free(md5);
}

/* False: it is not the base64 of a key of that length. */
static int key_of_base64(const char *text) {
  uint8_t bytes[3 * MAX_KEY];
  int length = (int)strlen(text), padding = length > 1 ? (text[length - 1] == '=') + (text[length - 2] == '=') : 0;
  if (length > 2 * MAX_KEY) return 0;
  if (EVP_DecodeBlock(bytes, (const uint8_t *)text, length) - padding != method->key_bytes) return 0;
  memcpy(master_key, bytes, method->key_bytes);
  return 1;
}

/* HKDF-SHA1 (RFC 5869) with the info "ss-subkey". */
static void subkey_2017(const uint8_t *salt, uint8_t *out) {
  static const char info[] = "ss-subkey";
  uint8_t prk[20], part[20], input[sizeof part + sizeof info];
  HMAC(EVP_sha1(), salt, method->key_bytes, master_key, method->key_bytes, prk, NULL);
  for (int done = 0, n = 1; done < method->key_bytes; done += sizeof part, n++) {
    int length = done ? sizeof part : 0;
    memcpy(input, part, length);
    memcpy(input + length, info, sizeof info - 1);
    length += sizeof info - 1;
    input[length++] = (uint8_t)n;
    HMAC(EVP_sha1(), prk, sizeof prk, input, length, part, NULL);
    int left = method->key_bytes - done;
    memcpy(out + done, part, left < (int)sizeof part ? left : (int)sizeof part);
  }
}

static void subkey_2022(const uint8_t *salt, uint8_t *out) {
  uint8_t material[2 * MAX_KEY];
  memcpy(material, master_key, method->key_bytes);
  memcpy(material + method->key_bytes, salt, method->key_bytes);
  blake3_derive_key("shadowsocks 2022 session subkey", material, 2 * method->key_bytes, out);
}

/* ---- One direction ----------------------------------------------------------------------------------- */

struct aead {
  EVP_CIPHER_CTX *context; /* NULL: not begun */
  uint8_t nonce[NONCE_BYTES];
};

static void aead_begin(struct aead *a, const uint8_t *salt, int sealing) {
  uint8_t key[MAX_KEY];
  if (method->is_2022) subkey_2022(salt, key);
  else subkey_2017(salt, key);
  if (!a->context) a->context = EVP_CIPHER_CTX_new();
  EVP_CipherInit_ex(a->context, method->cipher(), NULL, key, NULL, sealing);
  memset(a->nonce, 0, sizeof a->nonce);
}

static void aead_end(struct aead *a) {
  EVP_CIPHER_CTX_free(a->context);
  a->context = NULL;
}

static void next_nonce(struct aead *a) {
  for (int i = 0; i < NONCE_BYTES && ++a->nonce[i] == 0; i++) continue;
}

/* Gives how many bytes it wrote. */
static int aead_seal(struct aead *a, const uint8_t *plain, int length, uint8_t *out) {
  int done, rest;
  EVP_CipherInit_ex(a->context, NULL, NULL, NULL, a->nonce, 1);
  EVP_CipherUpdate(a->context, out, &done, plain, length);
  EVP_CipherFinal_ex(a->context, out + done, &rest);
  EVP_CIPHER_CTX_ctrl(a->context, EVP_CTRL_AEAD_GET_TAG, TAG_BYTES, out + length);
  next_nonce(a);
  return length + TAG_BYTES;
}

/* Opens `length` bytes and their tag. False: it was sealed otherwise. */
static int aead_open(struct aead *a, const uint8_t *sealed, int length, uint8_t *out) {
  int done, rest;
  EVP_CipherInit_ex(a->context, NULL, NULL, NULL, a->nonce, 0);
  EVP_CIPHER_CTX_ctrl(a->context, EVP_CTRL_AEAD_SET_TAG, TAG_BYTES, (void *)(sealed + length));
  EVP_CipherUpdate(a->context, out, &done, sealed, length);
  next_nonce(a);
  return EVP_CipherFinal_ex(a->context, out + done, &rest) > 0;
}

static int seal_chunk(struct aead *a, const uint8_t *plain, int length, uint8_t *out) {
  uint8_t head[2];
  put_u16(head, length);
  int n = aead_seal(a, head, sizeof head, out);
  return n + aead_seal(a, plain, length, out + n);
}

/* ---- Requests and responses -------------------------------------------------------------------------- */

/*
 * Begins a stream: salt, address and the first payload in one piece, as clients do. Gives how many bytes it wrote: at most
 * 256 more than the payload.
 */
static int seal_request(struct aead *a, const uint8_t *salt, const uint8_t *address, const uint8_t *payload,
                        int length, uint8_t *out) {
  uint8_t head[MAX_CHUNK], fixed[FIXED_HEAD_BYTES] = {0};
  int n = method->key_bytes, head_bytes = ADDRESS_BYTES;
  memcpy(out, salt, n);
  aead_begin(a, salt, 1);
  memcpy(head, address, ADDRESS_BYTES);
  if (method->is_2022) {
    put_u16(head + head_bytes, 0); /* no padding */
    head_bytes += 2;
  }
  memcpy(head + head_bytes, payload, length);
  if (!method->is_2022) return n + seal_chunk(a, head, head_bytes + length, out + n);
  uint64_t seconds = (uint64_t)time(NULL);
  for (int i = 0; i < 8; i++) fixed[1 + i] = (uint8_t)(seconds >> 8 * (7 - i));
  put_u16(fixed + 9, head_bytes + length);
  n += aead_seal(a, fixed, sizeof fixed, out + n);
  return n + aead_seal(a, head, head_bytes + length, out + n);
}

/* A response as it comes in, of at most so many bytes. */
#define MAX_RESPONSE 4096
struct response {
  struct aead down;
  int received, consumed;
  int piece;   /* length of the next sealed piece, without its tag */
  int is_head; /* it says how long the payload behind it is */
  uint8_t bytes[MAX_RESPONSE];
};

/* The head of a payload; the first one of 2022 has type, time and the request's salt in front of the length. */
static int head_is_right(const struct response *r, const uint8_t *plain, const uint8_t *request_salt) {
  if (r->piece == 2) return 1;
  return plain[0] == 1 && !memcmp(plain + 9, request_salt, method->key_bytes);
}

/* Opens what is there, and puts it behind the `opened` bytes of `out`. Gives how many those are now, or -1. */
static int response_open(struct response *r, const uint8_t *request_salt, uint8_t *out, int opened) {
  uint8_t plain[MAX_RESPONSE];
  if (!r->down.context) {
    if (r->received < method->key_bytes) return opened;
    aead_begin(&r->down, r->bytes, 0);
    r->consumed = method->key_bytes;
    r->piece = method->is_2022 ? FIXED_HEAD_BYTES + method->key_bytes : 2;
    r->is_head = 1;
  }
  while (r->received - r->consumed >= r->piece + TAG_BYTES) {
    if (!aead_open(&r->down, r->bytes + r->consumed, r->piece, plain)) return -1;
    r->consumed += r->piece + TAG_BYTES;
    if (r->is_head) {
      if (!head_is_right(r, plain, request_salt)) return -1;
      r->piece = get_u16(plain + r->piece - 2);
      if (r->piece > MAX_RESPONSE - r->consumed - TAG_BYTES) return -1;
    } else {
      memcpy(out + opened, plain, r->piece);
      opened += r->piece;
      r->piece = 2;
    }
    r->is_head = !r->is_head;
  }
  return opened;
}
