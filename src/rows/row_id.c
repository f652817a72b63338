/* Row ids and versions (row_id.h, docs/wire/row-ids.md): a number below 2^60 goes through a Feistel network over two
 * halves of 30 bits, whose rounds run backwards to decode; the 60 bits are then twelve characters of five bits. */
#include "rows/row_id.h"

#include <assert.h>

enum { HALF_BITS = 30, ROUNDS = 8, QUAD = 4, QUADS = 3, BODY = QUADS * QUAD + QUADS - 1 };

static const uint32_t half_mask = (1u << HALF_BITS) - 1;
static const char alphabet[] = "23456789abcdefghijkmnpqrstuvwxyz";

/* Rows and versions count with the same number; the tweak keeps row-x and rv-x of one number from looking alike. */
static const uint64_t tweak_row = 0, tweak_version = 0x9e3779b97f4a7c15;

/* Any function will do in a Feistel round; this one is the finisher of splitmix64, which spreads every bit over all. */
static uint32_t round_bits(const struct row_id_key *key, uint64_t tweak, unsigned round, uint32_t half)
{
    uint64_t x = key->k[round % 4] ^ tweak ^ ((uint64_t)(round + 1) << HALF_BITS) ^ half;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
    x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
    return (uint32_t)(x ^ (x >> 31)) & half_mask;
}

static uint64_t encipher(const struct row_id_key *key, uint64_t tweak, uint64_t v)
{
    uint32_t left = (uint32_t)(v >> HALF_BITS), right = (uint32_t)v & half_mask;
    for (unsigned round = 0; round < ROUNDS; round++) {
        uint32_t next = left ^ round_bits(key, tweak, round, right);
        left = right;
        right = next;
    }
    return (uint64_t)left << HALF_BITS | right;
}

static uint64_t decipher(const struct row_id_key *key, uint64_t tweak, uint64_t v)
{
    uint32_t left = (uint32_t)(v >> HALF_BITS), right = (uint32_t)v & half_mask;
    for (unsigned round = ROUNDS; round-- > 0;) {
        uint32_t before = right ^ round_bits(key, tweak, round, left);
        right = left;
        left = before;
    }
    return (uint64_t)left << HALF_BITS | right;
}

static void format(const struct row_id_key *key, uint64_t tweak, int64_t v, char *to)
{
    assert(v >= 0 && v >> (2 * HALF_BITS) == 0);
    uint64_t bits = encipher(key, tweak, (uint64_t)v);
    for (unsigned i = 0; i < BODY; i++) {
        if (i % (QUAD + 1) == QUAD) {
            to[i] = '~';
            continue;
        }
        to[i] = alphabet[bits & 31];
        bits >>= 5;
    }
}

/* The five bits of a character, -1 for one outside the alphabet: digits from 2, letters without l and o. */
static int bits_of(char c)
{
    const char *at = c ? strchr(alphabet, c) : NULL;
    return at ? (int)(at - alphabet) : -1;
}

static bool is_separator(char c)
{
    return c == '-' || c == '.' || c == '_' || c == '~';
}

static bool parse(const struct row_id_key *key, uint64_t tweak, struct str prefix, struct str text, int64_t *ret)
{
    if (text.n != prefix.n + BODY || !str_starts(text, prefix))
        return false;
    const char *body = text.p + prefix.n;
    uint64_t bits = 0;
    for (unsigned i = BODY; i-- > 0;) {
        if (i % (QUAD + 1) == QUAD) {
            if (!is_separator(body[i]))
                return false;
            continue;
        }
        int five = bits_of(body[i]);
        if (five < 0)
            return false;
        bits = bits << 5 | (unsigned)five;
    }
    *ret = (int64_t)decipher(key, tweak, bits);
    return true;
}

void row_id_format(const struct row_id_key *key, int64_t sid, char ret[ROW_ID_LENGTH])
{
    memcpy(ret, "row-", 4);
    format(key, tweak_row, sid, ret + 4);
}

void row_version_format(const struct row_id_key *key, int64_t version, char ret[ROW_VERSION_LENGTH])
{
    memcpy(ret, "rv-", 3);
    format(key, tweak_version, version, ret + 3);
}

bool row_id_parse(const struct row_id_key *key, struct str text, int64_t *ret_sid)
{
    return parse(key, tweak_row, STR("row-"), text, ret_sid);
}

bool row_version_parse(const struct row_id_key *key, struct str text, int64_t *ret_version)
{
    return parse(key, tweak_version, STR("rv-"), text, ret_version);
}
