/* How fast somebody may ask: token buckets, each written as the one instant at which it will be full again ("generic cell rate
 * algorithm", ITU-T I.371 annex A). A request moves that instant on by the time in which one is earned; it may not come to lie further
 * ahead than a whole bucket takes.
 *
 * A bucket that is full is no entry, so only who asks faster than he earns takes memory, of which there is a fixed amount: THROTTLE_BUCKETS.
 * Places follow from a keyed hash, nobody can aim at one. Where all places that a bucket may have are taken, the one goes that is
 * full again first: who wants another's (or his own) empty bucket forgotten must first empty as many others as a set has, more than
 * he gains. */
#ifndef SELTZER_GATE_THROTTLE_H
#define SELTZER_GATE_THROTTLE_H

#include "base/error.h"

enum throttle_kind {
#define X(kind, name, rate, burst, whose) THROTTLE_##kind,
#include "gate/throttle.def"
#undef X
    THROTTLE_KINDS
};

enum { THROTTLE_BUCKETS = 16384, THROTTLE_RATE_MAX = 1000000, THROTTLE_BURST_MAX = 10000000, THROTTLE_USUAL_BURST_S = 100 };

/* One is earned every interval, until there are as many as burst; burst 0: no bucket, anything passes. */
struct throttle_policy {
    uint64_t interval_ns;
    uint64_t burst;
};
/* 0: any number. More than the largest is the largest. */
struct throttle_policy throttle_policy_of(uint64_t per_second, uint64_t burst);
void throttle_defaults(struct throttle_policy ret[THROTTLE_KINDS]);
/* "KIND=RATE[:BURST]", RATE a number a second, or /s, /m, /h behind it; the burst is a hundred seconds' worth when none is given, at least 1.
 * "KIND=none"; "none" for all. */
must_use bool throttle_parse(struct str text, struct throttle_policy policies[THROTTLE_KINDS], struct error *err);
const char *throttle_name(enum throttle_kind kind);

struct throttle;
struct throttle *throttle_new(struct error *err);
void throttle_free(struct throttle *t); /* NULL is fine */

struct throttle_state {
    uint64_t left;    /* how many more may come at once */
    uint64_t next_ns; /* until there is one more */
};
/* A request of whom `id` names among those of the kind; now_ns is monotonic. False: there is none left, and nothing was counted. */
must_use bool throttle_take(struct throttle *t, enum throttle_kind kind, struct str id, const struct throttle_policy *policy, uint64_t now_ns, struct throttle_state *ret);

#endif
