/*
 * decide() in every interleaving of a small world: test/lib/explore.h. A line a story and one of
 * all tell how many states there were.
 *
 * EXPLORE=name plays one story, EXPLORE=long all with larger budgets. In CI only
 * FEW_STATES of each are visited, else MOST_STATES; complete=1 says that there are no more.
 */
#include <stdlib.h>
#include <string.h>

#include "test/lib/explore.h"
#include "test/lib/sweep.h"
#include "test/lib/test.h"

#define MOST_STATES 4000000
/* In CI. */
#define FEW_STATES (SLOW ? 1500 : 60000)
/* Of one fair run, whatever it begins with. */
#define MOST_WRITES 16
#define EDITS (USER_SAYS_A | USER_SAYS_B | USER_SAYS_WRONG)
#define DELETIONS (USER_DELETES_SO | USER_DELETES_SKS | USER_DELETES_HPA)
#define FAULTS (FAULT_LOST | FAULT_FAILED | FAULT_RESTART)

/* Fresh revisions first, then ready ones. */
static const struct story stories[] = {
    {"fresh", 0, .slow = 2},
    {"fresh-faults", FAULTS, .faults = 2},
    {"fresh-refused", FAULT_REFUSED | FAULT_RESTART, .faults = 2, .slow = 1},
    {"fresh-defaults", FAULTS | FAULT_DEFAULTS, .faults = 1},
    {"fresh-edits", EDITS, .edits = 1},
    {"fresh-foreign", USER_OWN_SO | FAULTS, .edits = 1, .faults = 1, .own_so = true},
    {"fresh-keda", KEDA_STOPS | KEDA_FAILS, .edits = 1, .slow = 2},
    {"fresh-absent", KEDA_ABSENT | FAULTS, .edits = 1, .faults = 1},
    {"edits", EDITS, .edits = 3, .from_ready = true},
    {"edits-faults", EDITS | FAULTS, .edits = 2, .faults = 1, .from_ready = true},
    {"edits-refused", EDITS | FAULT_REFUSED, .edits = 2, .faults = 1, .slow = 3,
     .from_ready = true},
    {"deletions", DELETIONS, .edits = 2, .from_ready = true},
    {"deletions-faults", DELETIONS | FAULTS, .edits = 1, .faults = 1, .from_ready = true},
    {"recreated", USER_DELETES_PA, .edits = 1, .from_ready = true},
    {"class", USER_LEAVES_CLASS | USER_SAYS_A | FAULTS, .edits = 2, .faults = 1,
     .from_ready = true},
    {"drift", USER_BENDS_SO | USER_BENDS_SKS | USER_SAYS_B | FAULTS, .edits = 2, .faults = 1,
     .from_ready = true},
    {"paused", USER_PAUSES | USER_SAYS_B | FAULTS, .edits = 3, .faults = 1, .from_ready = true},
    {"zero", USER_ROUTES | USER_TRAFFIC | PODS_FAIL, .edits = 3, .from_ready = true},
    {"requests", USER_SAYS_RPS | USER_SAYS_A | USER_SAYS_WRONG | FAULTS, .edits = 3, .faults = 1,
     .from_ready = true},
    {"requests-refused", USER_SAYS_RPS | USER_SAYS_A | FAULT_REFUSED, .edits = 3, .faults = 1,
     .slow = 2, .from_ready = true},
    {"requests-zero", USER_SAYS_RPS | USER_TRAFFIC | USER_ROUTES | USER_BENDS_SKS, .edits = 3,
     .from_ready = true},
    {"foreign-later", USER_OWN_SO | USER_DELETES_SO, .edits = 2, .from_ready = true},
    {"keda-later", KEDA_STOPS | KEDA_FAILS | KEDA_ABSENT, .edits = 2, .slow = 1,
     .from_ready = true},
};

struct total {
	size_t stories, complete, states, transitions;
};

static void play(struct story story, bool more, size_t limit, struct total *total)
{
	struct explored out;

	story.edits += more && story.edits;
	story.faults += more && story.faults;
	test_row("%s", story.name);
	explore(&story, limit, &out);
	printf("explore story=%s states=%zu transitions=%zu complete=%d ends=%zu "
	       "longest-fair-run=%zu most-writes=%zu\n",
	       story.name, out.states, out.transitions, out.complete, out.ends, out.longest,
	       out.writes);
	EXPECT_TEXT(out.breach, "");
	EXPECT(more || out.writes <= MOST_WRITES);
	total->stories++;
	total->complete += out.complete;
	total->states += out.states;
	total->transitions += out.transitions;
}

TEST(explore, stories)
{
	const char *asked = getenv("EXPLORE");
	bool more = asked && strcmp(asked, "long") == 0;
	struct total total = {0};

	for (size_t i = 0; i < ARRAY_SIZE(stories); i++)
		if (!asked || more || strcmp(asked, stories[i].name) == 0)
			play(stories[i], more, asked ? MOST_STATES : FEW_STATES, &total);
	printf("explore stories=%zu complete=%zu states=%zu transitions=%zu\n", total.stories,
	       total.complete, total.states, total.transitions);
}

TEST_MAIN(TEST_OF(explore, stories))
