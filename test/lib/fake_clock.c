/*
 * The fake clock. It never runs backwards by itself, and a run ends exactly where it was asked to,
 * so that two tests with the same steps see the same times.
 */
#include "test/lib/fake_clock.h"

#include "pkg/base/check.h"

/* More firings at one moment than any honest program makes: a hot loop. */
#define MAX_ROUNDS_PER_MOMENT 100000

static int64_t fake_mono(const struct clock *clock)
{
	return ((const struct fake_clock *)clock)->mono;
}

static int64_t fake_wall(const struct clock *clock)
{
	return ((const struct fake_clock *)clock)->wall;
}

void fake_clock_init(struct fake_clock *clock)
{
	clock->clock = (struct clock){.mono_ms = fake_mono, .wall_ms = fake_wall};
	clock->mono = FAKE_CLOCK_MONO;
	clock->wall = FAKE_CLOCK_WALL;
}

void fake_clock_advance(struct fake_clock *clock, int64_t ms)
{
	clock->mono += ms;
	clock->wall += ms;
}

void fake_clock_run(struct fake_clock *clock, struct timers *timers, int64_t ms)
{
	int64_t end = clock->mono + ms;
	unsigned rounds = 0;
	for (;;) {
		int64_t next = timers_next_ms(timers);
		if (next < 0 || clock->mono + next > end)
			break;
		rounds = next > 0 ? 0 : rounds + 1;
		CHECK(rounds < MAX_ROUNDS_PER_MOMENT);
		fake_clock_advance(clock, next);
		timers_run(timers);
	}
	/* A callback may have moved the clock beyond the end by itself. */
	if (clock->mono < end)
		fake_clock_advance(clock, end - clock->mono);
}
