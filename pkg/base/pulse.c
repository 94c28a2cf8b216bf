/*
 * The pulse. Invariant: every byte is written and read atomically, so that a reader never meets
 * undefined behaviour; it may meet half of one key and half of the next, but not while the writer
 * hangs, which is when it matters. The state below is the process's only one.
 */
#include "pkg/base/pulse.h"

#include <stdatomic.h>

static struct {
	_Atomic uint64_t count;
	_Atomic(const char *) doing;
	_Atomic char about[PULSE_ABOUT_SIZE];
} state = {.doing = "start"};

void pulse_beat(const char *doing)
{
	atomic_store_explicit(&state.doing, doing, memory_order_relaxed);
	atomic_fetch_add_explicit(&state.count, 1, memory_order_release);
}

static void set(size_t at, char c)
{
	atomic_store_explicit(&state.about[at], c, memory_order_relaxed);
}

void pulse_about(const char *key)
{
	size_t at = 0;
	for (; key && key[at] && at < PULSE_ABOUT_SIZE - 1; at++)
		set(at, key[at]);
	set(at, '\0');
}

uint64_t pulse_count(void)
{
	return atomic_load_explicit(&state.count, memory_order_acquire);
}

const char *pulse_doing(void)
{
	return atomic_load_explicit(&state.doing, memory_order_relaxed);
}

void pulse_copy_about(char out[PULSE_ABOUT_SIZE])
{
	size_t at = 0;
	for (; at < PULSE_ABOUT_SIZE - 1; at++) {
		char c = atomic_load_explicit(&state.about[at], memory_order_relaxed);
		if (!c)
			break;
		out[at] = c >= ' ' && c <= '~' && c != '"' && c != '\\' ? c : '?';
	}
	out[at] = '\0';
}
