/*
 * The search: breadth first, each state once, each with the state and the act that led to it. Then
 * the fair runs: each state has one fair successor (two, for there are two orders), so that a run
 * is a path in a graph, walked once: what leads to a known end is known itself.
 */
#include "test/lib/explore.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pkg/base/check.h"
#include "pkg/base/hash.h"
#include "test/lib/explore_internal.h"

enum act {
	DELIVER_PA,
	DELIVER_SKS,
	DELIVER_SO,
	DELIVER_HPA,
	CONTROLLER,
	KNATIVE,
	KEDA,
	HPAS,
	COLLECTOR,
	TROUBLE_ENDS,
	TIME,
	FAIR_ACTS,
	CONTROLLER_LOST = FAIR_ACTS,
	CONTROLLER_FAILED,
	RESTART,
	USER, /* + the number of enum explore_act's bit */
	ACTS = USER + 32,
};

static const enum act orders[][FAIR_ACTS] = {
    {DELIVER_PA, DELIVER_SKS, DELIVER_SO, DELIVER_HPA, CONTROLLER, KNATIVE, KEDA, HPAS, COLLECTOR,
     TROUBLE_ENDS, TIME},
    {COLLECTOR, HPAS, KEDA, KNATIVE, DELIVER_HPA, DELIVER_SO, DELIVER_SKS, DELIVER_PA, CONTROLLER,
     TROUBLE_ENDS, TIME},
};

#define NONE UINT32_MAX
#define LONGEST 2000

struct visited {
	struct state state;
	uint32_t from, next[ARRAY_SIZE(orders)]; /* fair successors; NONE: not known, or the end */
	uint8_t act;
	uint8_t wrote; /* a bit an order: the step to next was a write of ours */
	uint8_t known; /* a bit an order: its fair run ends */
	uint16_t steps, writes;
};

struct search {
	struct explore *x;
	struct visited *all;
	size_t count, room, limit;
	uint32_t *slots;
	size_t slot_count;
	struct explored *out;
};

/* ---- acts ---- */

static const char *act_name(unsigned act)
{
	static const char *const names[] = {
	    "the cache sees the PodAutoscaler",
	    "the cache sees the ServerlessService",
	    "the cache sees the ScaledObject",
	    "the cache sees the HPA",
	    "controller",
	    "Knative",
	    "KEDA",
	    "the HPA controller",
	    "the collector",
	    "trouble ends",
	    "time passes",
	    "controller, its answer lost",
	    "controller, its request lost",
	    "restart",
	};
	static const char *const users[] = {
	    "says A",
	    "says B",
	    "says wrong things",
	    "leaves the class",
	    "deletes SO",
	    "deletes SKS",
	    "deletes HPA",
	    "deletes PA",
	    "pauses",
	    "bends SO",
	    "bends SKS",
	    "routes",
	    "traffic",
	    "own SO",
	    "pods fail",
	    "KEDA stops",
	    "KEDA fails",
	    "KEDA absent",
	    "says RPS",
	    "",
	    "",
	    "",
	    "SO refused",
	};

	return act < USER ? names[act] : users[act - USER];
}

static bool spend(uint8_t *budget)
{
	if (*budget == 0)
		return false;
	--*budget;
	return true;
}

static bool unlucky(struct search *search, struct state *s, enum act act)
{
	static const unsigned needed[] = {FAULT_LOST, FAULT_FAILED, FAULT_RESTART};
	struct explore *x = search->x;

	if (!(x->story->acts & needed[act - CONTROLLER_LOST]) || !spend(&s->faults))
		return false;
	if (act == RESTART) {
		pass_restarts(s);
		return true;
	}
	return pass_wants(s) && pass_steps(x, s, act == CONTROLLER_LOST ? IS_LOST : FAILS);
}

static bool apply(struct search *search, struct state *s, unsigned act);

/* Time that passes while somebody has something to do makes him slow, which has its budget too. */
static bool time_goes(struct search *search, struct state *s)
{
	if (s->again_s == 0)
		return false;
	for (unsigned act = 0; act < TIME; act++) {
		struct state other = *s;
		if (apply(search, &other, act))
			return spend(&s->slow) && time_passes(search->x, s);
	}
	return time_passes(search->x, s);
}

static bool user(struct search *search, struct state *s, unsigned bit)
{
	struct explore *x = search->x;
	unsigned act = 1u << bit;

	if (!(x->story->acts & act & (EXPLORE_USER_ACTS | FAULT_REFUSED)))
		return false;
	return spend(act & EXPLORE_USER_ACTS ? &s->edits : &s->faults) &&
	       user_acts(x, s, (enum explore_act)act);
}

static bool apply(struct search *search, struct state *s, unsigned act)
{
	struct explore *x = search->x;

	arena_reset(x->scratch);
	x->wrote = false;
	switch (act) {
	case DELIVER_PA:
	case DELIVER_SKS:
	case DELIVER_SO:
	case DELIVER_HPA:
		return cache_delivers(x, s, (enum kind_id)(act - DELIVER_PA));
	case CONTROLLER:
		return pass_wants(s) && pass_steps(x, s, GOES_WELL);
	case KNATIVE:
		return knative_acts(x, s);
	case KEDA:
		return keda_acts(x, s);
	case HPAS:
		return hpa_acts(x, s);
	case COLLECTOR:
		return collector_acts(x, s);
	case TROUBLE_ENDS:
		return trouble_ends(x, s);
	case TIME:
		return time_goes(search, s);
	case CONTROLLER_LOST:
	case CONTROLLER_FAILED:
	case RESTART:
		return unlucky(search, s, (enum act)act);
	default:
		return user(search, s, act - USER);
	}
}

/* ---- visited states ---- */

static size_t slot_of(const struct search *search, const struct state *s)
{
	size_t slot = hash_bytes(HASH_SEED, s, sizeof(*s)) % search->slot_count;

	while (search->slots[slot] != NONE &&
	       memcmp(&search->all[search->slots[slot]].state, s, sizeof(*s)) != 0)
		slot = (slot + 1) % search->slot_count;
	return slot;
}

static uint32_t visit(struct search *search, const struct state *s, uint32_t from, unsigned act)
{
	size_t slot = slot_of(search, s);

	if (search->slots[slot] != NONE)
		return search->slots[slot];
	if (search->count == search->room) {
		search->room *= 2;
		search->all = xrealloc(search->all, search->room * sizeof(search->all[0]));
	}
	search->slots[slot] = (uint32_t)search->count;
	search->all[search->count] =
	    (struct visited){.state = *s, .from = from, .next = {NONE, NONE}, .act = (uint8_t)act};
	return (uint32_t)search->count++;
}

static void search_init(struct search *search, struct explore *x, size_t limit,
			struct explored *out)
{
	*search = (struct search){.x = x, .room = 1024, .limit = limit, .out = out};
	search->all = xcalloc(search->room, sizeof(search->all[0]));
	search->slot_count = limit * 2 + 3 * LONGEST + 1;
	search->slots = xmalloc(search->slot_count * sizeof(search->slots[0]));
	memset(search->slots, 0xff, search->slot_count * sizeof(search->slots[0]));
}

/* ---- how it came to be ---- */

static void describe(const struct explore *x, const struct state *s, struct strbuf *out)
{
	static const char *const kinds[] = {"pa", "sks", "so", "hpa"};

	for (size_t i = 0; i < KIND_COUNT; i++)
		strbuf_addf(out, "\n    %s%s: %s", kinds[i],
			    s->cached[i] == s->live[i] ? "" : " (the cache lags)",
			    s->live[i] ? node_of(x, s->live[i])->text : "none");
	strbuf_addf(out,
		    "\n    again %d s, dirty %d, in pass %d, done %x, answer %d of step %d, memo "
		    "%d, replicas %d, ready %d, party %d",
		    s->again_s, s->dirty, s->in_pass, s->done, s->answer_kind, s->answer_step,
		    s->memo, s->replicas, s->pods_ready, s->party);
}

static void tell_history(const struct search *search, uint32_t at, struct strbuf *out)
{
	const struct visited *one = &search->all[at];

	if (one->from != NONE) {
		tell_history(search, one->from, out);
		strbuf_addf(out, " > %s", act_name(one->act));
	}
}

/* The first breach wins; act: what was tried from there, or ACTS. */
static bool tell_breach(struct search *search, uint32_t at, unsigned act)
{
	CLEANUP(strbuf_release) struct strbuf text = STRBUF_INIT;
	struct explore *x = search->x;

	if (x->breach.len == 0)
		return false;
	if (search->out->breach[0])
		return true;
	strbuf_addf(&text, "%s: %s\n ", x->story->name, x->breach.buf);
	tell_history(search, at, &text);
	if (act < ACTS)
		strbuf_addf(&text, " > %s", act_name(act));
	describe(x, &search->all[at].state, &text);
	snprintf(search->out->breach, sizeof(search->out->breach), "%s", text.buf);
	return true;
}

/* ---- all that may happen ---- */

/* False: a breach. */
static bool expand(struct search *search, uint32_t at)
{
	for (unsigned act = 0; act < ACTS; act++) {
		struct state next = search->all[at].state;
		if (!apply(search, &next, act))
			continue;
		search->out->transitions++;
		if (tell_breach(search, at, act))
			return false;
		visit(search, &next, at, act);
	}
	return true;
}

/* ---- fair runs ---- */

/* NONE: nobody has anything to do. */
static uint32_t fair_next(struct search *search, uint32_t at, size_t order)
{
	for (size_t i = 0; i < FAIR_ACTS; i++) {
		enum act act = orders[order][i];
		struct state next = search->all[at].state;
		if (!apply(search, &next, act))
			continue;
		bool wrote = search->x->wrote;
		if (tell_breach(search, at, act))
			return NONE;
		uint32_t to = visit(search, &next, at, act);
		search->all[at].next[order] = to;
		search->all[at].wrote |= (uint8_t)(wrote << order);
		return to;
	}
	rules_of_end(search->x, &search->all[at].state);
	tell_breach(search, at, ACTS);
	search->out->ends += order == 0;
	return NONE;
}

static void count_back(struct search *search, const uint32_t *path, size_t length, size_t order)
{
	for (size_t i = length; i-- > 0;) {
		struct visited *one = &search->all[path[i]];
		const struct visited *next =
		    one->next[order] == NONE ? NULL : &search->all[one->next[order]];
		one->known |= (uint8_t)(1u << order);
		one->steps = next ? (uint16_t)(next->steps + 1) : 0;
		one->writes = next ? (uint16_t)(next->writes + (one->wrote >> order & 1)) : 0;
		if (one->steps > search->out->longest)
			search->out->longest = one->steps;
		if (one->writes > search->out->writes)
			search->out->writes = one->writes;
	}
}

/* steps and writes are those of the order at hand: orders are walked one after the other. */
static bool run_fairly(struct search *search, uint32_t from, size_t order)
{
	static const size_t most = LONGEST;
	uint32_t path[LONGEST];
	size_t length = 0;

	for (uint32_t at = from; at != NONE; at = fair_next(search, at, order)) {
		if (search->all[at].known >> order & 1)
			break;
		if (length == most) {
			breached(search->x, "a fair run finds no end (order %zu)", order);
			tell_breach(search, at, ACTS);
			return false;
		}
		path[length++] = at;
	}
	count_back(search, path, length, order);
	return search->out->breach[0] == 0;
}

static bool all_run_fairly(struct search *search)
{
	for (size_t order = 0; order < ARRAY_SIZE(orders); order++)
		for (size_t i = 0; i < search->count; i++)
			if (!run_fairly(search, (uint32_t)i, order))
				return false;
	return true;
}

/* ---- a story ---- */

static bool begin(struct search *search)
{
	struct state first;

	first_state(search->x, &first);
	uint32_t at = visit(search, &first, NONE, 0);
	if (search->x->story->from_ready) {
		for (uint32_t next = at; next != NONE; next = fair_next(search, at, 0))
			at = next;
		first = search->all[at].state;
		search->count = 0;
		memset(search->slots, 0xff, search->slot_count * sizeof(search->slots[0]));
	}
	if (search->out->breach[0])
		return false;
	first.edits = (uint8_t)search->x->story->edits;
	first.faults = (uint8_t)search->x->story->faults;
	first.slow = (uint8_t)search->x->story->slow;
	search->count = 0;
	memset(search->slots, 0xff, search->slot_count * sizeof(search->slots[0]));
	visit(search, &first, NONE, 0);
	search->out->ends = 0;
	return true;
}

void explore(const struct story *story, size_t limit, struct explored *out)
{
	struct explore *x = xcalloc(1, sizeof(*x));
	struct search search;
	bool fine;

	*out = (struct explored){0};
	x->story = story;
	nodes_init(x);
	search_init(&search, x, limit, out);
	fine = begin(&search);
	for (size_t i = 0; fine && i < search.count && search.count < limit; i++)
		fine = expand(&search, (uint32_t)i);
	out->states = search.count;
	out->complete = search.count < limit;
	fine = fine && all_run_fairly(&search);
	CHECK(!fine || !out->complete || search.count == out->states);
	free(search.slots);
	free(search.all);
	nodes_release(x);
	free(x);
}
