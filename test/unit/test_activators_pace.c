/*
 * How often activators are asked for their pages. Sockets and answers are real, but time stands
 * still until a test moves it: a page takes as long as the test says, on any machine.
 */
#include "test/lib/fake_clock.h"
#include "test/unit/activators_fixture.h"

struct scene {
	struct fake_clock clock;
	struct fake fake;
	struct bench bench;
};

static void scene_init(struct scene *scene)
{
	fake_clock_init(&scene->clock);
	fake_init(&scene->fake, QUEUED("1"));
	bench_init_at(&scene->bench, &scene->clock.clock, 0, 0);
	set(&scene->bench, scene->fake.address, NULL);
}

static void scene_release(struct scene *scene)
{
	bench_release(&scene->bench);
	fake_release(&scene->fake);
}

static int with_counters(struct fake *fake)
{
	int count;

	pthread_mutex_lock(&fake->lock);
	count = fake->with_counters;
	pthread_mutex_unlock(&fake->lock);
	return count;
}

/* Until the next page begins; 0 if it is under way. */
static int64_t rest_ms(struct scene *scene)
{
	struct timers *timers = loop_timers(scene->bench.loop);

	for (unsigned i = 0; i < 10 && timers_next_ms(timers) == 0; i++)
		loop_step(scene->bench.loop, 0);
	return timers_next_ms(timers);
}

/* One page more, which takes so long, from its request to its end. */
static void one_page(struct scene *scene, int64_t took_ms)
{
	int requests = fake_requests(&scene->fake);
	int64_t end = clock_mono(&system_clock) + 10000 * TEST_PATIENCE;

	fake_hold(&scene->fake, true);
	while (fake_requests(&scene->fake) == requests && clock_mono(&system_clock) < end)
		loop_step(scene->bench.loop, 5);
	fake_clock_advance(&scene->clock, took_ms);
	fake_hold(&scene->fake, false);
	wait_for(&scene->bench, stats_of(&scene->bench).pages + 1, 0);
}

/* The rest before it as well. */
static void next_page(struct scene *scene, int64_t took_ms)
{
	fake_clock_advance(&scene->clock, rest_ms(scene));
	one_page(scene, took_ms);
}

TEST(activators, as_often_as_somebody_needs_it)
{
	struct scene scene;

	scene_init(&scene);
	one_page(&scene, 0);
	for (int i = 0; i < 5; i++) {
		EXPECT_INT(rest_ms(&scene), ACTIVATORS_READ_MS);
		next_page(&scene, 0);
	}
	scene.bench.needed = false;
	next_page(&scene, 0);
	EXPECT_INT(rest_ms(&scene), ACTIVATORS_LOOK_MS);
	/* Needed again, it is read at once, whenever the next page was due. */
	scene.bench.needed = true;
	activators_wake(scene.bench.activators);
	EXPECT_INT(timers_next_ms(loop_timers(scene.bench.loop)), 0);
	one_page(&scene, 0);
	EXPECT_INT(rest_ms(&scene), ACTIVATORS_READ_MS);
	scene_release(&scene);
}

/* Four times as long as it took, from one beginning to the next a second at most. */
TEST(activators, a_page_that_costs_much_is_asked_for_less)
{
	static const struct {
		int64_t took_ms, rest_ms;
	} table[] = {{10, 90}, {20, 80}, {21, 84}, {120, 480}, {200, 800}, {300, 700}, {999, 1}};
	struct scene scene;

	scene_init(&scene);
	one_page(&scene, 0); /* with counters */
	next_page(&scene, 0);
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		int before = with_counters(&scene.fake);

		test_row("%d ms", (int)table[i].took_ms);
		next_page(&scene, table[i].took_ms);
		if (with_counters(&scene.fake) > before) /* their time is another matter */
			next_page(&scene, table[i].took_ms);
		EXPECT_INT(rest_ms(&scene), table[i].rest_ms);
	}
	EXPECT_INT(stats_of(&scene.bench).failures, 0);
	scene_release(&scene);
}

/* How many pages with gauges alone come before the next with counters. */
static int gauges_between(struct scene *scene)
{
	int before = with_counters(&scene->fake), pages = 0;

	for (next_page(scene, 0); with_counters(&scene->fake) == before && pages < 1000; pages++) {
		EXPECT_INT(rest_ms(scene), ACTIVATORS_READ_MS);
		next_page(scene, 0);
	}
	return pages;
}

TEST(activators, large_counters_are_asked_for_less)
{
	struct scene scene;

	scene_init(&scene);
	scene.fake.answer.counters = COMPLETED("100");
	one_page(&scene, 0);
	for (int i = 0; i < 100 && reading_of(&scene.bench).rps_ms <= 1000; i++)
		EXPECT_INT(gauges_between(&scene), 0);
	pthread_mutex_lock(&scene.fake.lock);
	scene.fake.answer.filler = (size_t)5 * 1024 * 1024; /* 524 ms of the rate */
	pthread_mutex_unlock(&scene.fake.lock);
	EXPECT_INT(gauges_between(&scene), 0);
	for (int i = 0; i < 3; i++)
		EXPECT_INT(gauges_between(&scene), 5);
	/* The counter stays as it was in pages that do not tell it. */
	EXPECT(reading_of(&scene.bench).rps_ms > 1000);
	EXPECT(reading_of(&scene.bench).rps == 0);
	scene_release(&scene);
}

/* Twenty times as long as a page with them took. */
TEST(activators, counters_that_cost_much_are_asked_for_less)
{
	struct scene scene;

	scene_init(&scene);
	one_page(&scene, 51);
	EXPECT_INT(with_counters(&scene.fake), 1);
	EXPECT_INT(rest_ms(&scene), ACTIVATORS_READ_MS - 51);
	fake_clock_advance(&scene.clock, ACTIVATORS_READ_MS - 51);
	one_page(&scene, 0);
	EXPECT_INT(1 + gauges_between(&scene), 10); /* 1,020 ms from its beginning */
	scene_release(&scene);
}

TEST_MAIN(TEST_OF(activators, as_often_as_somebody_needs_it),
	  TEST_OF(activators, a_page_that_costs_much_is_asked_for_less),
	  TEST_OF(activators, large_counters_are_asked_for_less),
	  TEST_OF(activators, counters_that_cost_much_are_asked_for_less))
