/* Random numbers that a seed repeats (xorshift64*). */
#ifndef SELTZER_TESTS_CHANCE_H
#define SELTZER_TESTS_CHANCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct chance {
    uint64_t state;
};

static inline struct chance chance_of(uint64_t seed)
{
    struct chance c = {(seed + 1) * 0x9e3779b97f4a7c15u};
    c.state ^= c.state >> 29;
    return (struct chance){c.state ? c.state : 1};
}

static inline uint64_t chance_u64(struct chance *c)
{
    c->state ^= c->state >> 12;
    c->state ^= c->state << 25;
    c->state ^= c->state >> 27;
    return c->state * 0x2545f4914f6cdd1du;
}

static inline unsigned chance_below(struct chance *c, unsigned n) { return (unsigned)((chance_u64(c) >> 33) % n); }
static inline int chance_between(struct chance *c, int from, int to) { return from + (int)chance_below(c, (unsigned)(to - from + 1)); }
static inline bool chance_percent(struct chance *c, unsigned percent) { return chance_below(c, 100) < percent; }

#define chance_pick(c, array) ((array)[chance_below((c), sizeof(array) / sizeof *(array))])

#endif
