/*
 * The wire between controller and model: pieces, time-outs, and every fault.
 */
#include "test/unit/model_fixture.h"

TEST(wire, chunks_and_reader_that_stops)
{
	struct bench b;
	struct ear ear;
	bench_init(&b, NULL, 1);
	model_apply(b.model, "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n");
	struct http_request request = {
	    .method = "GET", .path = "/api/v1/configmaps", .stream = true};
	send(&b, &ear, &request);
	run(&b, 10);
	EXPECT_INT(ear.dones, 1);
	EXPECT_CONTAINS(ear.data.buf, "]}\n");
	hang_up(&ear);
	send(&b, &ear, &request);
	ear.stop_after = 7;
	run(&b, 10);
	EXPECT_INT(ear.dones, 1);
	EXPECT_INT(ear.kind, ERROR_FATAL);
	EXPECT_INT(ear.data.len, 7);
	hang_up(&ear);
	send(&b, &ear, &request);
	ear.cancel_at_head = true;
	run(&b, 10);
	EXPECT_INT(ear.dones, 0);
	EXPECT_INT(ear.heads, 1);
	hang_up(&ear);
	bench_release(&b);
}

TEST(wire, cancelled_requests_arrive_all_the_same)
{
	struct bench b;
	struct ear ear;
	bench_init(&b, NULL, 0);
	const char *cm = "{\"metadata\":{\"name\":\"a\"}}";
	struct http_request request = {
	    .method = "POST", .path = CM_PATH, .body = cm, .body_length = strlen(cm)};
	send(&b, &ear, &request);
	hang_up(&ear);
	run(&b, 10);
	EXPECT_INT(ear.dones, 0);
	EXPECT_INT(model_count(b.model, "configmaps"), 1);
	bench_release(&b);
}

TEST(wire, time_outs)
{
	struct bench b;
	struct ear ear, patient;
	bench_init(&b, NULL, 0);
	watch(&b, &ear, "/api/v1/configmaps?watch=1&resourceVersion=1000", 5000);
	struct http_request request = {.method = "GET", .path = CM_PATH "/a", .timeout_ms = 3000};
	wire_down(b.wire, true);
	send(&b, &patient, &request);
	run(&b, 2990);
	EXPECT_INT(patient.dones, 0);
	run(&b, 20);
	EXPECT_INT(patient.dones, 1);
	EXPECT_INT(patient.kind, ERROR_TRANSIENT);
	EXPECT_INT(patient.status, 0);
	run(&b, 1980);
	EXPECT_INT(ear.dones, 0);
	run(&b, 10);
	EXPECT_INT(ear.dones, 1);
	EXPECT_INT(ear.kind, ERROR_TRANSIENT);
	hang_up(&ear);
	hang_up(&patient);
	bench_release(&b);
}

static const struct {
	const char *name;
	struct fault fault;
	int status;
	enum error_kind kind;
	size_t objects;
	unsigned crashes;
	const char *trace;
} request_faults[] = {
    {"status",
     {.kind = FAULT_STATUS, .at = 2, .writes_only = true, .status = 429, .retry_after_ms = 1000},
     429,
     ERROR_NONE,
     1,
     0,
     "POST configmaps default/a 201\nPOST configmaps default/b 429\n"},
    {"lost",
     {.kind = FAULT_LOST_REPLY, .at = 2, .writes_only = true},
     0,
     ERROR_TRANSIENT,
     2,
     0,
     "POST configmaps default/a 201\nPOST configmaps default/b lost\n"},
    {"none",
     {.kind = FAULT_NO_REPLY, .at = 2, .writes_only = true},
     0,
     ERROR_TRANSIENT,
     1,
     0,
     "POST configmaps default/a 201\nPOST configmaps default/b none\n"},
    {"before",
     {.kind = FAULT_CRASH_BEFORE, .at = 2, .writes_only = true},
     0,
     ERROR_TRANSIENT,
     1,
     1,
     "POST configmaps default/a 201\nPOST configmaps default/b none\n"},
    {"after",
     {.kind = FAULT_CRASH_AFTER, .at = 2, .writes_only = true},
     201,
     ERROR_NONE,
     2,
     1,
     "POST configmaps default/a 201\nPOST configmaps default/b 201\n"},
    {"reads count",
     {.kind = FAULT_STATUS, .at = 2, .status = 500},
     201,
     ERROR_NONE,
     2,
     0,
     "POST configmaps default/a 201\nPOST configmaps default/b 201\n"},
};

TEST(wire, faults_of_requests)
{
	for (size_t i = 0; i < ARRAY_SIZE(request_faults); i++) {
		struct bench b;
		struct ear ear;
		test_row("%s", request_faults[i].name);
		bench_init(&b, &request_faults[i].fault, 0);
		const char *first = "{\"metadata\":{\"name\":\"a\"}}";
		const char *second = "{\"metadata\":{\"name\":\"b\"}}";
		EXPECT_INT(ask(&b, "POST", CM_PATH, NULL, first, NULL), 201);
		ask(&b, "GET", CM_PATH "/a", NULL, NULL, NULL);
		struct http_request request = {.method = "POST",
					       .path = CM_PATH,
					       .body = second,
					       .body_length = strlen(second)};
		send(&b, &ear, &request);
		run(&b, 10);
		EXPECT_INT(ear.dones, 1);
		EXPECT_INT(ear.status, request_faults[i].status);
		EXPECT_INT(ear.kind, request_faults[i].kind);
		EXPECT_INT(ear.retry_after_ms, request_faults[i].status == 429 ? 1000 : 0);
		EXPECT_INT(model_count(b.model, "configmaps"), request_faults[i].objects);
		EXPECT_INT(b.crashes, request_faults[i].crashes);
		EXPECT_INT(wire_faults_fired(b.wire), 1);
		EXPECT_TEXT(wire_trace(b.wire), request_faults[i].trace);
		hang_up(&ear);
		bench_release(&b);
	}
	test_row("%s", "");
}

TEST(wire, a_late_write_outlives_its_time_out)
{
	struct fault fault = {.kind = FAULT_DELAY, .at = 1, .writes_only = true, .delay_ms = 10000};
	struct bench b;
	struct ear ear;
	bench_init(&b, &fault, 0);
	const char *cm = "{\"metadata\":{\"name\":\"a\"}}";
	struct http_request request = {.method = "POST",
				       .path = CM_PATH,
				       .body = cm,
				       .body_length = strlen(cm),
				       .timeout_ms = 1000};
	send(&b, &ear, &request);
	run(&b, 2000);
	EXPECT_INT(ear.dones, 1);
	EXPECT_INT(ear.kind, ERROR_TRANSIENT);
	EXPECT_INT(model_count(b.model, "configmaps"), 0);
	run(&b, 10000);
	EXPECT_INT(model_count(b.model, "configmaps"), 1);
	hang_up(&ear);
	bench_release(&b);
}

TEST(wire, faults_of_watches)
{
	static const struct {
		const char *name;
		struct fault fault;
		unsigned dones;
		enum error_kind kind;
		size_t lines;
	} rows[] = {
	    {"end", {.kind = FAULT_WATCH_END, .at = 2}, 1, ERROR_NONE, 2},
	    {"cut", {.kind = FAULT_WATCH_CUT, .at = 2}, 1, ERROR_TRANSIENT, 1},
	    {"gone", {.kind = FAULT_WATCH_GONE, .at = 2}, 1, ERROR_NONE, 2},
	    {"stall", {.kind = FAULT_WATCH_STALL, .at = 1, .delay_ms = 5000}, 0, ERROR_NONE, 1},
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct bench b;
		struct ear ear, other;
		test_row("%s", rows[i].name);
		bench_init(&b, &rows[i].fault, 0);
		watch(&b, &other, "/api/v1/events?watch=1&resourceVersion=1000", 0);
		watch(&b, &ear, "/api/v1/configmaps?watch=1&resourceVersion=1000", 0);
		model_apply(b.model, "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n");
		run(&b, WIRE_BACK_MS);
		model_apply(b.model, "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: b}\n");
		run(&b, 1000);
		EXPECT_INT(ear.dones, rows[i].dones);
		EXPECT_INT(other.dones, rows[i].dones);
		EXPECT_INT(ear.kind, rows[i].kind);
		EXPECT_INT(count_of(&ear, "\n"), rows[i].lines);
		EXPECT_INT(wire_faults_fired(b.wire), 1);
		run(&b, 5000);
		if (!rows[i].dones)
			EXPECT_INT(count_of(&ear, "\n"), 2);
		hang_up(&ear);
		hang_up(&other);
		bench_release(&b);
	}
	test_row("%s", "");
}

TEST_MAIN(TEST_OF(wire, chunks_and_reader_that_stops),
	  TEST_OF(wire, cancelled_requests_arrive_all_the_same), TEST_OF(wire, time_outs),
	  TEST_OF(wire, faults_of_requests), TEST_OF(wire, a_late_write_outlives_its_time_out),
	  TEST_OF(wire, faults_of_watches))
