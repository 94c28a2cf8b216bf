/* The registry and its text: exact lines, escapes, numbers, limits, and promtool's opinion. */
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "pkg/base/check.h"
#include "pkg/base/clock.h"
#include "pkg/metrics/metrics.h"
#include "test/lib/test.h"

#define VALUES(...) ((const char *const[]){__VA_ARGS__})

static const char *const two_labels[] = {"verb", "code", NULL};
static const char *const one_label[] = {"name", NULL};

static void freep(struct metrics **metrics)
{
	metrics_free(*metrics);
}

static void expect_written(struct metrics *metrics, const char *want)
{
	CLEANUP(strbuf_release) struct strbuf out = STRBUF_INIT;
	metrics_write(metrics, &out);
	EXPECT_TEXT(out.buf, want);
}

TEST(exposition, counter)
{
	CLEANUP(freep) struct metrics *metrics = metrics_new();
	struct metric *all = metrics_counter(metrics, "all_total", "All.", NULL);
	struct metric *some = metrics_counter(metrics, "some_total", "Some.", two_labels);
	expect_written(metrics, ""); /* no series yet */
	metric_add(all, NULL, 1);
	metric_add(all, NULL, 2.5);
	metric_add(some, VALUES("GET", "200"), 1);
	metric_add(some, VALUES("GET", "404"), 0);
	metric_add(some, VALUES("GET", "200"), 1);
	expect_written(metrics, "# HELP all_total All.\n"
				"# TYPE all_total counter\n"
				"all_total 3.5\n"
				"# HELP some_total Some.\n"
				"# TYPE some_total counter\n"
				"some_total{verb=\"GET\",code=\"200\"} 2\n"
				"some_total{verb=\"GET\",code=\"404\"} 0\n");
}

TEST(exposition, gauge)
{
	CLEANUP(freep) struct metrics *metrics = metrics_new();
	struct metric *gauge = metrics_gauge(metrics, "g", "G.", one_label);
	metric_set(gauge, VALUES("a"), 7);
	metric_add(gauge, VALUES("a"), -9);
	metric_set(gauge, VALUES("b"), 1);
	metric_set(gauge, VALUES("c"), 3);
	metric_drop(gauge, VALUES("b"));
	metric_drop(gauge, VALUES("never there"));
	expect_written(metrics, "# HELP g G.\n# TYPE g gauge\ng{name=\"a\"} -2\ng{name=\"c\"} 3\n");
	metric_clear(gauge);
	expect_written(metrics, "");
	metric_set(gauge, VALUES(NULL), 1);
	expect_written(metrics, "# HELP g G.\n# TYPE g gauge\ng{name=\"\"} 1\n");
}

TEST(exposition, histogram)
{
	static const double bounds[] = {0.005, 0.1, 1, 10};
	static const double seen[] = {0.005, 0.0051, 0.5, 1, 11, 1e9, NAN};
	CLEANUP(freep) struct metrics *metrics = metrics_new();
	struct metric *plain = metrics_histogram(metrics, "h_seconds", "H.", NULL, bounds, 4);
	struct metric *labelled = metrics_histogram(metrics, "l", "L.", one_label, bounds, 0);
	for (size_t i = 0; i < ARRAY_SIZE(seen); i++)
		metric_observe(plain, NULL, seen[i]);
	metric_observe(labelled, VALUES("x"), 0.25);
	metric_observe(labelled, VALUES("x"), -0.5);
	expect_written(metrics, "# HELP h_seconds H.\n"
				"# TYPE h_seconds histogram\n"
				"h_seconds_bucket{le=\"0.005\"} 1\n"
				"h_seconds_bucket{le=\"0.1\"} 2\n"
				"h_seconds_bucket{le=\"1\"} 4\n"
				"h_seconds_bucket{le=\"10\"} 4\n"
				"h_seconds_bucket{le=\"+Inf\"} 6\n"
				"h_seconds_sum 1000000012.5101\n"
				"h_seconds_count 6\n"
				"# HELP l L.\n"
				"# TYPE l histogram\n"
				"l_bucket{name=\"x\",le=\"+Inf\"} 2\n"
				"l_sum{name=\"x\"} -0.25\n"
				"l_count{name=\"x\"} 2\n");
}

TEST(exposition, numbers)
{
	static const struct {
		double value;
		const char *want;
	} rows[] = {
	    {0, "0"},
	    {-0.0, "0"},
	    {1, "1"},
	    {-1, "-1"},
	    {0.1, "0.1"},
	    {0.30000000000000004, "0.30000000000000004"},
	    {1.0 / 3, "0.3333333333333333"},
	    {1e15, "1000000000000000"},
	    {9007199254740991, "9007199254740991"},
	    {9007199254740992, "9007199254740992"},
	    {1e20, "1e+20"},
	    {1e-7, "1e-07"},
	    {1767225600.123, "1767225600.123"},
	    {1.7976931348623157e308, "1.7976931348623157e+308"},
	    {5e-324, "4.94065645841247e-324"},
	    {NAN, "NaN"},
	    {INFINITY, "+Inf"},
	    {-INFINITY, "-Inf"},
	};
	CLEANUP(freep) struct metrics *metrics = metrics_new();
	struct metric *gauge = metrics_gauge(metrics, "g", "G.", NULL);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char want[128];
		snprintf(want, sizeof(want), "# HELP g G.\n# TYPE g gauge\ng %s\n", rows[i].want);
		metric_set(gauge, NULL, rows[i].value);
		test_row("%s", rows[i].want);
		expect_written(metrics, want);
	}
	test_row("%s", "");
}

TEST(exposition, escapes)
{
	static const struct {
		const char *value, *want;
	} rows[] = {
	    {"a\"b", "a\\\"b"},   {"a\\b", "a\\\\b"},
	    {"a\nb", "a\\nb"},    {"\xc3\xa4\xf0\x9f\x98\x80", "\xc3\xa4\xf0\x9f\x98\x80"},
	    {"a\xff\xc3", "a??"}, {"{},= #", "{},= #"},
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		CLEANUP(freep) struct metrics *metrics = metrics_new();
		struct metric *gauge = metrics_gauge(metrics, "g", "a\\b\n\"c\"", one_label);
		char want[128];
		snprintf(want, sizeof(want),
			 "# HELP g a\\\\b\\n\"c\"\n# TYPE g gauge\ng{name=\"%s\"} 1\n",
			 rows[i].want);
		metric_set(gauge, VALUES(rows[i].value), 1);
		test_row("%s", rows[i].want);
		expect_written(metrics, want);
	}
	test_row("%s", "");
}

TEST(exposition, values_cannot_imitate_other_labels)
{
	CLEANUP(freep) struct metrics *metrics = metrics_new();
	struct metric *gauge = metrics_gauge(metrics, "g", "G.", two_labels);
	metric_set(gauge, VALUES("a\",code=\"b", "c"), 1);
	metric_set(gauge, VALUES("a", "b\",code=\"c"), 2);
	expect_written(metrics, "# HELP g G.\n# TYPE g gauge\n"
				"g{verb=\"a\\\",code=\\\"b\",code=\"c\"} 1\n"
				"g{verb=\"a\",code=\"b\\\",code=\\\"c\"} 2\n");
}

struct live {
	struct metric *gauge;
	int state;
};

static void collect(void *ctx)
{
	struct live *live = ctx;
	metric_set(live->gauge, NULL, live->state++);
}

TEST(exposition, collectors_run_before_each_writing)
{
	CLEANUP(freep) struct metrics *metrics = metrics_new();
	struct live first = {metrics_gauge(metrics, "a", "A.", NULL), 5};
	struct live second = {metrics_gauge(metrics, "b", "B.", NULL), 8};
	metrics_on_collect(metrics, collect, NULL, &first);
	metrics_on_collect(metrics, collect, NULL, &second);
	expect_written(metrics,
		       "# HELP a A.\n# TYPE a gauge\na 5\n# HELP b B.\n# TYPE b gauge\nb 8\n");
	expect_written(metrics,
		       "# HELP a A.\n# TYPE a gauge\na 6\n# HELP b B.\n# TYPE b gauge\nb 9\n");
}

TEST(exposition, family_refuses_too_many_series)
{
	CLEANUP(freep) struct metrics *metrics = metrics_new();
	CLEANUP(strbuf_release) struct strbuf out = STRBUF_INIT;
	struct metric *gauge = metrics_gauge(metrics, "g", "G.", one_label);
	char name[16];
	for (int i = 0; i < METRICS_MAX_SERIES + 3; i++) {
		snprintf(name, sizeof(name), "n%d", i);
		metric_set(gauge, VALUES(name), i);
	}
	metric_set(gauge, VALUES("n0"), -4); /* those that are there go on */
	metrics_write(metrics, &out);
	EXPECT_CONTAINS(out.buf, "\nkn_dropped_series_total{family=\"g\"} 3\n");
	EXPECT_CONTAINS(out.buf, "\ng{name=\"n0\"} -4\n");
	EXPECT_CONTAINS(out.buf, "\ng{name=\"n65535\"} 65535\n");
	EXPECT(!strstr(out.buf, "n65536"));
	metric_drop(gauge, VALUES("n7"));
	metric_set(gauge, VALUES("new"), 1);
	strbuf_reset(&out);
	metrics_write(metrics, &out);
	EXPECT_CONTAINS(out.buf, "\ng{name=\"new\"} 1\n");
}

TEST(exposition, promtool_agrees)
{
	static const double bounds[] = {0.1, 1};
	CLEANUP(freep) struct metrics *metrics = metrics_new();
	CLEANUP(strbuf_release) struct strbuf out = STRBUF_INIT;
	if (access("/usr/bin/promtool", X_OK) != 0) {
		puts("no promtool: skipped");
		return;
	}
	metric_add(metrics_counter(metrics, "kn_things_total", "Things \\ \n \"x\".", two_labels),
		   VALUES("a\"\\\n\xff", "\xe2\x82\xac"), 1e20);
	metric_set(metrics_gauge(metrics, "kn_depth", "Depth.", NULL), NULL, -INFINITY);
	metric_set(metrics_gauge(metrics, "kn_strange", "NaN.", NULL), NULL, NAN);
	metric_observe(metrics_histogram(metrics, "kn_wait_seconds", "Wait.", one_label, bounds, 2),
		       VALUES("x"), 0.5);
	metrics_write(metrics, &out);
	FILE *promtool = popen("/usr/bin/promtool check metrics", "w");
	CHECK(promtool);
	fwrite(out.buf, 1, out.len, promtool);
	EXPECT_INT(pclose(promtool), 0);
}

/* ---- samples that are not kept ---- */

static void emit_two(void *ctx, struct metric *metric)
{
	double *value = ctx;
	metric_emit(metric, VALUES("a\"b"), (*value)++);
	metric_emit(metric, VALUES(NULL), -1);
}

TEST(emitted, made_anew_each_time)
{
	CLEANUP(freep) struct metrics *metrics = metrics_new();
	double value = 5;
	metric_emit_by(metrics_gauge(metrics, "g", "G.", one_label), emit_two, &value);
	expect_written(metrics, "# HELP g G.\n# TYPE g gauge\ng{name=\"a\\\"b\"} 5\n"
				"g{name=\"\"} -1\n");
	expect_written(metrics, "# HELP g G.\n# TYPE g gauge\ng{name=\"a\\\"b\"} 6\n"
				"g{name=\"\"} -1\n");
}

static void emit_number(void *ctx, struct metric *metric)
{
	size_t *count = ctx;
	char name[32];
	for (size_t i = 0; i < *count; i++) {
		snprintf(name, sizeof(name), "n%zu", i);
		metric_emit(metric, VALUES(name), 1);
	}
}

TEST(emitted, none_leave_no_head_and_too_many_are_dropped)
{
	CLEANUP(freep) struct metrics *metrics = metrics_new();
	CLEANUP(strbuf_release) struct strbuf out = STRBUF_INIT;
	size_t count = 0;
	metric_emit_by(metrics_gauge(metrics, "g", "G.", one_label), emit_number, &count);
	expect_written(metrics, "");
	count = METRICS_MAX_SERIES + 3;
	metrics_write(metrics, &out);
	EXPECT_CONTAINS(out.buf, "\ng{name=\"n65535\"} 1\n");
	EXPECT(!strstr(out.buf, "n65536"));
	strbuf_reset(&out);
	count = 1;
	metrics_write(metrics, &out);
	EXPECT_CONTAINS(out.buf, "\nkn_dropped_series_total{family=\"g\"} 3\n");
	EXPECT_CONTAINS(out.buf, "\ng{name=\"n0\"} 1\n");
}

static void emit_total(void *ctx, struct metric *metric)
{
	metric_emit(metric, NULL, *(const double *)ctx);
}

TEST(emitted, counters_too)
{
	CLEANUP(freep) struct metrics *metrics = metrics_new();
	double total = 12;
	metric_emit_by(metrics_counter(metrics, "c_total", "C.", NULL), emit_total, &total);
	expect_written(metrics, "# HELP c_total C.\n# TYPE c_total counter\nc_total 12\n");
}

/* ---- groups ---- */

TEST(groups, hidden_ones_go_on_counting)
{
	CLEANUP(freep) struct metrics *metrics = metrics_new();
	struct metric *shown = metrics_counter(metrics, "a_total", "A.", NULL);
	struct metric *hidden = metrics_counter(metrics, "b_total", "B.", NULL);
	struct metric *other = metrics_counter(metrics, "c_total", "C.", NULL);
	metric_group(hidden, "some");
	metric_group(other, "more");
	metrics_show(metrics, "some", false);
	metric_add(shown, NULL, 1);
	metric_add(hidden, NULL, 2);
	metric_add(other, NULL, 3);
	expect_written(metrics, "# HELP a_total A.\n# TYPE a_total counter\na_total 1\n"
				"# HELP c_total C.\n# TYPE c_total counter\nc_total 3\n");
	metrics_show(metrics, "some", true);
	metrics_show(metrics, "more", false);
	expect_written(metrics, "# HELP a_total A.\n# TYPE a_total counter\na_total 1\n"
				"# HELP b_total B.\n# TYPE b_total counter\nb_total 2\n");
}

TEST(groups, description)
{
	static const double bounds[] = {1};
	CLEANUP(freep) struct metrics *metrics = metrics_new();
	CLEANUP(strbuf_release) struct strbuf out = STRBUF_INIT;
	metrics_gauge(metrics, "g", "This | that.", NULL);
	metric_group(metrics_histogram(metrics, "h", "H.", two_labels, bounds, 0), "`some`");
	metrics_describe(metrics, &out);
	EXPECT_TEXT(out.buf, "| name | type | labels | what it tells | only with |\n"
			     "|---|---|---|---|---|\n"
			     "| `kn_dropped_series_total` | counter | `family` | Updates lost "
			     "because a family had too many series. |  |\n"
			     "| `g` | gauge |  | This \\| that. |  |\n"
			     "| `h` | histogram | `verb`, `code` | H. | `some` |\n");
}

static void count_up(void *ctx)
{
	(*(int *)ctx)++;
}

TEST(exposition, written_comes_after_the_samples)
{
	CLEANUP(freep) struct metrics *metrics = metrics_new();
	CLEANUP(strbuf_release) struct strbuf out = STRBUF_INIT;
	int collected = 0, written = 0;
	metrics_on_collect(metrics, count_up, NULL, &collected);
	metrics_on_collect(metrics, count_up, count_up, &written);
	metrics_write(metrics, &out);
	EXPECT_INT(collected, 1);
	EXPECT_INT(written, 2);
}

/* ---- this process ---- */

static double value_of(const char *text, const char *name)
{
	CLEANUP(strbuf_release) struct strbuf line = STRBUF_INIT;
	strbuf_addf(&line, "\n%s ", name);
	const char *at = strstr(text, line.buf);
	return at ? strtod(at + line.len, NULL) : NAN;
}

static int open_files(void)
{
	int count = 0;
	for (int fd = 0; fd < 512; fd++)
		count += fcntl(fd, F_GETFD) != -1;
	return count;
}

TEST(process, tells_the_truth)
{
	CLEANUP(freep) struct metrics *metrics = metrics_new();
	CLEANUP(strbuf_release) struct strbuf before = STRBUF_INIT, after = STRBUF_INIT;
	struct rlimit limit = {.rlim_cur = 512, .rlim_max = 512};
	int pipes[2];
	metrics_process(metrics);
	metrics_write(metrics, &before);
	CHECK(setrlimit(RLIMIT_NOFILE, &limit) == 0 && pipe(pipes) == 0);
	/* More than the 10 ms in which the kernel counts. */
	for (clock_t end = clock() + CLOCKS_PER_SEC / 25; clock() < end;)
		continue;
	metrics_write(metrics, &after);
	EXPECT(value_of(before.buf, "process_open_fds") == open_files() - 2);
	EXPECT(value_of(after.buf, "process_open_fds") == open_files());
	EXPECT(value_of(after.buf, "process_max_fds") == 512);
	/* What an emulator puts in place of /proc/self/stat has few figures. */
	EXPECT(EMULATED || value_of(after.buf, "process_cpu_seconds_total") >
			       value_of(before.buf, "process_cpu_seconds_total"));
	EXPECT(value_of(after.buf, "process_cpu_seconds_total") < 60);
	double resident = value_of(after.buf, "process_resident_memory_bytes");
	double virtual = value_of(after.buf, "process_virtual_memory_bytes");
	EXPECT(EMULATED || (resident > 1e5 && resident < virtual));
	EXPECT(value_of(after.buf, "process_virtual_memory_max_bytes") > 0);
	double started = value_of(after.buf, "process_start_time_seconds");
	double now = (double)clock_wall(&system_clock) / 1000;
	EXPECT(started > now - 600 && started < now + 2);
	close(pipes[0]);
	close(pipes[1]);
}

TEST_MAIN(TEST_OF(exposition, counter), TEST_OF(exposition, gauge), TEST_OF(exposition, histogram),
	  TEST_OF(exposition, numbers), TEST_OF(exposition, escapes),
	  TEST_OF(exposition, values_cannot_imitate_other_labels),
	  TEST_OF(exposition, collectors_run_before_each_writing),
	  TEST_OF(exposition, family_refuses_too_many_series), TEST_OF(exposition, promtool_agrees),
	  TEST_OF(exposition, written_comes_after_the_samples),
	  TEST_OF(emitted, made_anew_each_time),
	  TEST_OF(emitted, none_leave_no_head_and_too_many_are_dropped),
	  TEST_OF(emitted, counters_too), TEST_OF(groups, hidden_ones_go_on_counting),
	  TEST_OF(groups, description), TEST_OF(process, tells_the_truth))
