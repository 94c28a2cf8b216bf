/* The bucket of tokens: burst, refill, debts. */
#include "pkg/base/pace.h"
#include "test/lib/test.h"

static const struct pace_rate rate = {.burst = 3, .refill_ms = 100};

TEST(pace, a_burst_and_then_one_at_a_time)
{
	struct pace pace = {0};
	int64_t now = 5000;
	for (int i = 0; i < 3; i++)
		EXPECT(pace_take(&pace, &rate, now));
	EXPECT(!pace_take(&pace, &rate, now));
	EXPECT_INT(pace_wait_ms(&pace, &rate, now), 100);
	EXPECT(!pace_take(&pace, &rate, now + 99));
	EXPECT(pace_take(&pace, &rate, now + 100));
	EXPECT(!pace_take(&pace, &rate, now + 100));
	/* Full again, and no fuller. */
	now += 10000;
	for (int i = 0; i < 3; i++)
		EXPECT(pace_take(&pace, &rate, now));
	EXPECT(!pace_take(&pace, &rate, now));
}

TEST(pace, tokens_of_the_future)
{
	struct pace pace = {0};
	for (int i = 0; i < 13; i++)
		pace_spend(&pace, &rate, 1000);
	EXPECT_INT(pace_wait_ms(&pace, &rate, 1000), 1100);
	EXPECT_INT(pace_wait_ms(&pace, &rate, 2099), 1);
	EXPECT_INT(pace_wait_ms(&pace, &rate, 2100), 0);
}

TEST_MAIN(TEST_OF(pace, a_burst_and_then_one_at_a_time), TEST_OF(pace, tokens_of_the_future))
