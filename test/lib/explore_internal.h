/*
 * What the files of the exploration share: nodes (objects, each kept once), states (numbers of
 * nodes), and the parties that take a state to the next one. Only test/lib/explore*.c include this.
 *
 * Invariant: a state holds no pointer and no padding that is not zero: it is hashed and compared as
 * bytes.
 */
#ifndef TEST_LIB_EXPLORE_INTERNAL_H
#define TEST_LIB_EXPLORE_INTERNAL_H

#include "pkg/base/strbuf.h"
#include "pkg/base/table.h"
#include "reconciler/hpa/decide.h"
#include "test/lib/explore.h"

/* Server time of every state: what passes makes all the rest older. */
#define NOW_MS INT64_C(1767322800000)
/* Nothing asks how much older than that a thing is. */
#define OLDEST_MS (1200 * INT64_C(1000))
/* The live object's version; older ones count down from it, never below VERSION_OLD. */
#define VERSION_LIVE 4
#define VERSION_OLD 2

enum kind_id { KIND_PA, KIND_SKS, KIND_SO, KIND_HPA, KIND_COUNT };

typedef uint16_t node_id; /* 0: none */

/* An object as the API server has it, without resourceVersion. */
struct node {
	node_id id;
	enum kind_id kind;
	const struct json *value;
	const char *text; /* canonical */
	struct object *decoded[VERSION_LIVE + 1];
	const struct json *versioned[VERSION_LIVE + 1];
};

enum party_state { KEDA_IS_STOPPED = 1, KEDA_IS_FAILING = 2, KEDA_IS_ABSENT = 4, SO_REFUSED = 8 };

struct state {
	node_id live[KIND_COUNT], cached[KIND_COUNT];
	node_id so_live; /* what this pass was answered */
	uint16_t memo;
	int32_t again_s; /* the appointment; 0: none */
	uint8_t cached_version[KIND_COUNT], so_live_version;
	uint8_t sync;     /* which pair of hashes is known to be in sync; 0: none */
	uint8_t replicas; /* of the Deployment */
	bool pods_ready, metric;
	uint8_t party; /* enum party_state, or-ed */
	bool dirty, in_pass, taught;
	bool forget; /* the PodAutoscaler is another one: forget the memo after the pass */
	uint8_t done, steps, passing, refused; /* of the pass */
	uint8_t answer_step, answer_kind;
	uint8_t edits, faults, slow; /* left */
	uint8_t pa_uid;              /* of the next PodAutoscaler */
};

struct pair {
	uint64_t live, desired;
};

struct explore {
	const struct story *story;
	struct arena *arena;   /* nodes and all that they hold */
	struct arena *scratch; /* of one transition */
	struct table *by_text; /* kind and canonical text -> struct node */
	struct node *nodes[1 << 16];
	size_t node_count;
	struct memo memos[1 << 16]; /* 0: the empty one; texts in the arena */
	size_t memo_count;
	struct table *by_memo, *by_patch;
	struct pair pairs[256];
	size_t pair_count;
	struct learned *nothing, *taught; /* what the process learned of server defaults */
	struct strbuf breach;             /* "" or the first rule that broke */
	bool wrote;                       /* this transition was a write of ours */
};

/* ---- explore_nodes.c ---- */
void nodes_init(struct explore *x);
void nodes_release(struct explore *x);
const struct node *node_of(const struct explore *x, node_id id); /* NULL for 0 */
/* The node of that value, resourceVersion aside. */
node_id node_intern(struct explore *x, enum kind_id kind, const struct json *value);
/* JSON with ' for ". */
node_id node_made(struct explore *x, enum kind_id kind, const char *format, ...) PRINTF_LIKE(3, 4);
node_id node_patched(struct explore *x, node_id id, const char *format, ...) PRINTF_LIKE(3, 4);
/* With all of its times that much older. */
node_id node_older(struct explore *x, node_id id, int64_t ms);
struct object *node_object(struct explore *x, node_id id, unsigned version);
const struct json *node_json(struct explore *x, node_id id, unsigned version);
const char *node_uid(const struct explore *x, node_id id); /* "" for 0 */
const char *node_text(const struct explore *x, node_id id, const char *outer, const char *inner);
const struct json *node_condition(const struct explore *x, node_id id, const char *type);
/* "True", "" if there is none */
const char *node_condition_status(const struct explore *x, node_id id, const char *type);
const char *node_owner(const struct explore *x, node_id id); /* uid of its controller, or "" */
uint16_t memo_intern(struct explore *x, const struct memo *memo);
uint16_t memo_older(struct explore *x, uint16_t id, int64_t ms);
uint8_t pair_intern(struct explore *x, struct pair pair);

/* ---- explore_pass.c: the controller, as reconciler/controller/pass.c runs it ---- */

/* What becomes of its next request. */
enum outcome { GOES_WELL, IS_LOST, FAILS };

bool pass_wants(const struct state *s); /* has it anything to do? */
/* Its next step; false: that was none that the outcome could hit. */
bool pass_steps(struct explore *x, struct state *s, enum outcome outcome);
/* The decision at hand for a view of s, with this memo. */
void pass_decide(struct explore *x, const struct state *s, const struct memo *memo,
		 struct decision *out);
void pass_restarts(struct state *s);
/* Somebody changes the live object: caches lag behind. */
void live_becomes(struct explore *x, struct state *s, enum kind_id kind, node_id id);
/* The watch catches up; false: it had nothing to tell. */
bool cache_delivers(struct explore *x, struct state *s, enum kind_id kind);
const char *step_name(enum step_kind step);

/* ---- explore_others.c: each does its one next step; false: there is none ---- */
bool knative_acts(struct explore *x, struct state *s);
bool sks_follows(struct explore *x, struct state *s);
bool keda_acts(struct explore *x, struct state *s);
bool hpa_acts(struct explore *x, struct state *s);
bool collector_acts(struct explore *x, struct state *s);
bool trouble_ends(struct explore *x, struct state *s);
bool time_passes(struct explore *x, struct state *s); /* to the appointment */
void first_state(struct explore *x, struct state *s);
node_id foreign_so(struct explore *x);

/* ---- explore_users.c ---- */
bool user_acts(struct explore *x, struct state *s, enum explore_act act);

/* ---- explore_rules.c: a breach is written into x ---- */
void breached(struct explore *x, const char *format, ...) PRINTF_LIKE(2, 3);
void rules_of_write(struct explore *x, const struct state *s, enum step_kind step, node_id before,
		    node_id after);
void rules_of_end(struct explore *x, const struct state *s);

#endif
