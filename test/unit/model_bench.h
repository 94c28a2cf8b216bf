/*
 * A model on a fake clock and the answer to what was asked last. Included by the tests of what the
 * model answers to requests.
 */
#ifndef TEST_UNIT_MODEL_BENCH_H
#define TEST_UNIT_MODEL_BENCH_H

#include "test/lib/fake_clock.h"
#include "test/lib/model.h"
#include "test/lib/test.h"

#define CM "/api/v1/namespaces/default/configmaps"

struct bench {
	struct fake_clock clock;
	struct timers *timers;
	struct model *model;
	struct model_answer answer;
};

static void bench_init(struct bench *b)
{
	fake_clock_init(&b->clock);
	b->timers = timers_new(&b->clock.clock);
	b->model = model_new(b->timers, FAKE_CLOCK_WALL);
	b->answer = (struct model_answer)MODEL_ANSWER_INIT;
}

static void bench_release(struct bench *b)
{
	model_answer_release(&b->answer);
	model_free(b->model);
	timers_free(b->timers);
	test_row("%s", "");
}

#endif
