/*
 * struct clock: where time comes from. Tests put a fake one in its place; no other
 * file reads the system's clocks. Milliseconds throughout.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

struct clock {
	int64_t (*mono_ms)(const struct clock *clock); /* durations: never steps */
	int64_t (*wall_ms)(const struct clock *clock); /* since 1970, may be wrong or step */
};

extern const struct clock system_clock;

static inline int64_t clock_mono(const struct clock *clock)
{
	return clock->mono_ms(clock);
}
static inline int64_t clock_wall(const struct clock *clock)
{
	return clock->wall_ms(clock);
}

#endif
