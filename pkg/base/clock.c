/* The system's clocks: the only file that reads them. */
#include "pkg/base/clock.h"

#include <time.h>

#include "pkg/base/compiler.h"

static int64_t read_clock(clockid_t id)
{
	struct timespec now;
	clock_gettime(id, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int64_t system_mono(const struct clock *clock UNUSED)
{
	/* Not CLOCK_MONOTONIC, which stands still while the machine is suspended: a lease that ran
	 * out meanwhile must not look fresh afterwards. */
	return read_clock(CLOCK_BOOTTIME);
}

static int64_t system_wall(const struct clock *clock UNUSED)
{
	return read_clock(CLOCK_REALTIME);
}

const struct clock system_clock = {system_mono, system_wall};
