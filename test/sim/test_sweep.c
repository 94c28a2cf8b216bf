/*
 * Every scenario with the 1st, 2nd, 3rd, ... fault of each kind, up to the last that fits: answers,
 * watches, clocks; test_kill.c has the crashes.
 *
 * SWEEP=all plays them all (minutes) and more pairs, otherwise every STRIDE-th;
 * SWEEP=scenario:kind:n[:kind:n] plays one.
 */
#include <stdlib.h>
#include <string.h>

#include "test/lib/sweep.h"
#include "test/lib/test.h"

#define STRIDE (SLOW ? 97 : 11)
#define PAIRS (SLOW ? 40 : 400)
#define MANY_PAIRS 20000

#define SECONDS(n) ((n)*1000)
#define WRITE(code)                                                                                \
	{                                                                                          \
		.kind = FAULT_STATUS, .status = (code), .writes_only = true                        \
	}
#define OPEN(code)                                                                                 \
	{                                                                                          \
		.kind = FAULT_OPEN_STATUS, .status = (code)                                        \
	}
#define ODD(line)                                                                                  \
	{                                                                                          \
		.kind = FAULT_WATCH_ODD, .text = (line)                                            \
	}

static const struct sweep_kind kinds[] = {
    /* answers to writes, not applied */
    {"400", WRITE(400)},
    {"401", WRITE(401)},
    {"403", WRITE(403)},
    {"404", WRITE(404)},
    {"408", WRITE(408)},
    {"409", WRITE(409)},
    {"422", WRITE(422)},
    {"429", {.kind = FAULT_STATUS, .status = 429, .writes_only = true, .retry_after_ms = 7000}},
    {"500", WRITE(500)},
    {"503", {.kind = FAULT_STATUS, .status = 503, .writes_only = true, .retry_after_ms = 2000}},
    {"504", WRITE(504)},
    {"webhook",
     {.kind = FAULT_STATUS,
      .status = 500,
      .writes_only = true,
      .text = "Internal error occurred: failed calling webhook \"w\": failed to call webhook: "
	      "Post \"https://w.svc/validate?timeout=10s\": context deadline exceeded"}},
    {"any-403", {.kind = FAULT_STATUS, .status = 403}},
    {"any-500", {.kind = FAULT_STATUS, .status = 500}},
    /* no answers */
    {"lost", {.kind = FAULT_LOST_REPLY, .writes_only = true}},
    {"none", {.kind = FAULT_NO_REPLY}},
    {"late", {.kind = FAULT_DELAY, .delay_ms = SECONDS(40), .writes_only = true}},
    /* watches and lists that do not begin */
    {"open-401", OPEN(401)},
    {"open-403", OPEN(403)},
    {"open-429", {.kind = FAULT_OPEN_STATUS, .status = 429, .retry_after_ms = 7000}},
    {"open-500", OPEN(500)},
    {"open-504", OPEN(504)},
    {"open-none", {.kind = FAULT_OPEN_BREAK}},
    /* watches that break, lag, lose, repeat */
    {"end", {.kind = FAULT_WATCH_END}},
    {"cut", {.kind = FAULT_WATCH_CUT}},
    {"gone", {.kind = FAULT_WATCH_GONE}},
    {"stall", {.kind = FAULT_WATCH_STALL, .delay_ms = SECONDS(10)}},
    {"stale", {.kind = FAULT_WATCH_STALE}},
    {"flap", {.kind = FAULT_WATCH_FLAP, .delay_ms = SECONDS(5)}},
    {"double", {.kind = FAULT_WATCH_DOUBLE}},
    {"lose", {.kind = FAULT_WATCH_LOSE, .delay_ms = SECONDS(10)}},
    /* odd lines */
    {"error-500", ODD(NULL)},
    {"odd-type", ODD("{\"type\":\"SURPRISE\",\"object\":{\"metadata\":{\"name\":\"x\"}}}\n")},
    {"odd-key", ODD("{\"type\":\"ADDED\",\"type\":\"DELETED\",\"object\":{}}\n")},
    {"odd-object",
     ODD("{\"type\":\"ADDED\",\"object\":{\"metadata\":{\"resourceVersion\":\"\"}}}\n")},
    {"odd-utf8", ODD("{\"type\":\"ADDED\",\"object\":{\"a\":\"\xff\xfe\"}}\n")},
    {"odd-html", ODD("<html><body>502 Bad Gateway</body></html>\n")},
    /* clocks */
    {"clock-ahead", {.kind = FAULT_CLOCK, .delay_ms = SECONDS(300)}},
    {"clock-back", {.kind = FAULT_CLOCK, .delay_ms = SECONDS(-300)}},
    {"date-ahead", {.kind = FAULT_DATE, .delay_ms = SECONDS(300)}},
    {"date-back", {.kind = FAULT_DATE, .delay_ms = SECONDS(-300)}},
};

static bool asked_for_one(const char *asked)
{
	return asked && sweep_one(asked, kinds, ARRAY_SIZE(kinds));
}

TEST(sweep, one_fault)
{
	size_t stride = STRIDE;
	struct sweep_count out = {0};
	const char *asked = sweep_asked(&stride);

	if (asked_for_one(asked))
		return;
	sweep(kinds, ARRAY_SIZE(kinds), stride, &out);
	printf("sweep kinds=%zu stride=%zu scenarios=%zu runs=%zu faults=%zu\n", ARRAY_SIZE(kinds),
	       stride, out.scenarios, out.runs, out.faults);
}

TEST(sweep, two_faults)
{
	size_t stride = 0;
	struct sweep_count out = {0};
	const char *asked = sweep_asked(&stride);

	if (asked && stride != 1)
		return;
	sweep_pairs(kinds, ARRAY_SIZE(kinds), stride == 1 ? MANY_PAIRS : PAIRS, 20260102, &out);
	printf("sweep-pairs kinds=%zu runs=%zu faults=%zu\n", ARRAY_SIZE(kinds), out.runs,
	       out.faults);
}

TEST_MAIN(TEST_OF(sweep, one_fault), TEST_OF(sweep, two_faults))
