/*
 * The whole controller on a fake clock in the simulated world: each scenario of
 * test/lib/world_scenarios.c, without faults, with all that it expects on its way.
 */
#include "test/lib/test.h"
#include "test/lib/world_scenarios.h"

static void play(const char *name)
{
	struct world *world = world_new(NULL);
	scenario_play(scenario_find(name), world, true);
	world_free(world);
}

#define SCENARIOS(X)                                                                               \
	X(fresh_custom)                                                                            \
	X(fresh_cpu)                                                                               \
	X(initial_scale)                                                                           \
	X(zero_and_back)                                                                           \
	X(on_requests)                                                                             \
	X(another_metric)                                                                          \
	X(invalid_annotation)                                                                      \
	X(keda_installed_late)                                                                     \
	X(keda_uninstalled)                                                                        \
	X(keda_refusal)                                                                            \
	X(deployment_seen_late)                                                                    \
	X(foreign_so)                                                                              \
	X(foreign_sks)                                                                             \
	X(drift_is_repaired)                                                                       \
	X(so_deleted)                                                                              \
	X(so_stuck_on_its_finalizer)                                                               \
	X(hpa_deleted)                                                                             \
	X(pa_recreated)                                                                            \
	X(prometheus_down)                                                                         \
	X(keda_cannot_build)                                                                       \
	X(keda_stopped)                                                                            \
	X(unreachable)                                                                             \
	X(own_scaled_object)                                                                       \
	X(config_changes)                                                                          \
	X(restart_writes_nothing)                                                                  \
	X(quiet_hour)                                                                              \
	X(hundred_at_once)                                                                         \
	X(hand_over)                                                                               \
	X(paused_by_a_user)                                                                        \
	X(status_write_refused)                                                                    \
	X(knative_stopped)                                                                         \
	X(tuned_live)                                                                              \
	X(pods_never_start)                                                                        \
	X(sks_deleted)                                                                             \
	X(missed_deletions)                                                                        \
	X(nobody_else_writes)                                                                      \
	X(autoscaler_hpa_stops)                                                                    \
	X(autoscaler_hpa_killed)                                                                   \
	X(autoscaler_hpa_comes_back)                                                               \
	X(go_scaled_object)                                                                        \
	X(class_goes)                                                                              \
	X(class_went_unseen)                                                                       \
	X(default_changes_gradually)

#define PLAY(name)                                                                                 \
	TEST(scenario, name)                                                                       \
	{                                                                                          \
		play(#name);                                                                       \
	}
SCENARIOS(PLAY)

/* What the transport offers and the local clock says changes nothing. */
TEST(scenario, in_other_worlds)
{
	static const struct world_config rows[] = {
	    {.no_watch_list = true},
	    {.skew_ms = 300000},
	    {.skew_ms = -300000},
	};
	static const char *const names[] = {"fresh_custom", "zero_and_back", "keda_cannot_build",
					    "restart_writes_nothing"};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		for (size_t j = 0; j < ARRAY_SIZE(names); j++) {
			struct world *world = world_new(&rows[i]);
			scenario_play(scenario_find(names[j]), world, true);
			world_free(world);
		}
	}
}

/* A scenario that is missing from the list above would never be played. */
TEST(scenario, all_are_played)
{
	size_t played = 0;
#define COUNT(name) played++;
	SCENARIOS(COUNT)
	EXPECT(scenario_at(played - 1) && !scenario_at(played));
}

#define OF(name) TEST_OF(scenario, name),
TEST_MAIN(SCENARIOS(OF) TEST_OF(scenario, in_other_worlds), TEST_OF(scenario, all_are_played))
