/*
 * devcluster's fault points, each hit once: what the client sees, what was applied, and that the
 * next request is served as ever.
 */
#include "test/unit/devcluster_site.h"

static void add_fault(struct site *site, const char *parameters)
{
	const char *body;
	const char *path = arena_printf(site->arena, "/devcluster/fault?%s", parameters);
	test_row("%s", parameters);
	EXPECT_INT(ask(site, "POST", path, NULL, &body), 200);
}

static bool there(struct site *site, const char *name)
{
	return ask(site, "GET", arena_printf(site->arena, CONFIGMAPS "/%s", name), NULL, NULL) ==
	       200;
}

static void post(struct site *site, const char *name, struct heard *heard)
{
	const char *body = arena_printf(site->arena, "{\"metadata\":{\"name\":\"%s\"}}", name);
	const struct http_request request = {.method = "POST",
					     .path = CONFIGMAPS,
					     .content_type = "application/json",
					     .body = body,
					     .body_length = strlen(body)};
	begin(site, heard, &request);
	EXPECT(hear(site, heard, NULL));
}

TEST(faults, status_with_retry_after)
{
	struct site site;
	struct heard heard;
	site_init(&site);
	add_fault(&site, "match=POST+/configmaps&kind=status&value=429&retryAfter=7");
	post(&site, "a", &heard);
	EXPECT_INT(heard.status, 429);
	EXPECT_INT(heard.retry_after_ms, 7000);
	EXPECT_CONTAINS(heard.body.buf, "\"reason\":\"TooManyRequests\"");
	hang_up(&site, &heard);
	EXPECT(!there(&site, "a"));
	post(&site, "a", &heard);
	EXPECT_INT(heard.status, 201);
	hang_up(&site, &heard);
	site_release(&site);
}

TEST(faults, lost_before_and_after)
{
	struct site site;
	struct heard heard;
	site_init(&site);
	add_fault(&site, "match=POST+/configmaps&kind=drop-before");
	post(&site, "a", &heard);
	EXPECT_INT(heard.kind, ERROR_TRANSIENT);
	hang_up(&site, &heard);
	EXPECT(!there(&site, "a"));
	add_fault(&site, "match=/configmaps&kind=drop-after");
	post(&site, "b", &heard);
	EXPECT_INT(heard.kind, ERROR_TRANSIENT);
	hang_up(&site, &heard);
	EXPECT(there(&site, "b"));
	post(&site, "c", &heard);
	EXPECT_INT(heard.status, 201);
	hang_up(&site, &heard);
	site_release(&site);
}

TEST(faults, late)
{
	struct site site;
	struct heard heard;
	site_init(&site);
	add_fault(&site, "match=POST+/configmaps&kind=delay&value=300");
	int64_t start = now_ms();
	post(&site, "a", &heard);
	EXPECT_INT(heard.status, 201);
	EXPECT(now_ms() - start >= 300);
	hang_up(&site, &heard);
	site_release(&site);
}

TEST(faults, counted)
{
	static const int want[] = {201, 201, 500, 500, 201};
	struct site site;
	struct heard heard;
	site_init(&site);
	add_fault(&site, "match=POST+/configmaps&kind=status&value=500&after=2&count=2");
	for (size_t i = 0; i < ARRAY_SIZE(want); i++) {
		post(&site, arena_printf(site.arena, "n%zu", i), &heard);
		EXPECT_INT(heard.status, want[i]);
		hang_up(&site, &heard);
	}
	add_fault(&site, "match=GET&kind=status&value=503&count=0");
	for (int i = 0; i < 3; i++)
		EXPECT_INT(ask(&site, "GET", CONFIGMAPS "?x=GET", NULL, NULL), 503);
	EXPECT_INT(ask(&site, "DELETE", "/devcluster/faults", NULL, NULL), 200);
	EXPECT_INT(ask(&site, "GET", CONFIGMAPS "?x=GET", NULL, NULL), 200);
	site_release(&site);
}

TEST(faults, stale)
{
	struct site site;
	struct heard heard;
	const char *body;
	site_init(&site);
	post(&site, "a", &heard);
	hang_up(&site, &heard);
	add_fault(&site, "match=GET+/configmaps&kind=stale-list&value=1");
	EXPECT_INT(ask(&site, "GET", CONFIGMAPS, NULL, &body), 200);
	EXPECT(!strstr(body, "\"name\":\"a\""));
	EXPECT_INT(ask(&site, "GET", CONFIGMAPS, NULL, &body), 200);
	EXPECT_CONTAINS(body, "\"name\":\"a\"");
	site_release(&site);
}

TEST(faults, watch_in_pieces)
{
	struct site site;
	struct heard ear, heard;
	site_init(&site);
	add_fault(&site, "match=/configmaps&kind=chunk&value=7");
	watch(&site, &ear, CONFIGMAPS "?watch=1&resourceVersion=0&timeoutSeconds=20");
	post(&site, "some-name", &heard);
	hang_up(&site, &heard);
	EXPECT(hear(&site, &ear, "}}\n"));
	EXPECT_CONTAINS(ear.body.buf, "{\"type\":\"ADDED\",\"object\":{");
	EXPECT_CONTAINS(ear.body.buf, "\"name\":\"some-name\"");
	hang_up(&site, &ear);
	site_release(&site);
}

TEST(faults, watch_cut)
{
	struct site site;
	struct heard ear, heard;
	site_init(&site);
	add_fault(&site, "match=/configmaps&kind=watch-cut&after=1");
	watch(&site, &ear, CONFIGMAPS "?watch=1");
	post(&site, "first", &heard);
	hang_up(&site, &heard);
	EXPECT(hear(&site, &ear, "}}\n"));
	post(&site, "second", &heard);
	hang_up(&site, &heard);
	EXPECT(hear(&site, &ear, NULL));
	EXPECT_INT(ear.kind, ERROR_TRANSIENT);
	const char *last = strrchr(ear.body.buf, '\n');
	EXPECT(last && strncmp(last + 1, "{\"type\":\"ADDED\"", 15) == 0);
	hang_up(&site, &ear);
	site_release(&site);
}

/* Everything that waits is dropped when the server ends. */
TEST(faults, end_with_the_server)
{
	struct site site;
	struct heard ear, heard;
	site_init(&site);
	add_fault(&site, "match=POST+/configmaps&kind=delay&value=60000");
	watch(&site, &ear,
	      CONFIGMAPS "?watch=1&sendInitialEvents=true&allowWatchBookmarks=true&"
			 "resourceVersionMatch=NotOlderThan");
	EXPECT(hear(&site, &ear, "initial-events-end"));
	const struct http_request request = {.method = "POST",
					     .path = CONFIGMAPS,
					     .content_type = "application/json",
					     .body = CONFIGMAP("a", "}"),
					     .body_length = strlen(CONFIGMAP("a", "}"))};
	begin(&site, &heard, &request);
	pass_time(&site, 200);
	int64_t start = now_ms();
	EXPECT_INT(end(&site.devcluster, SIGTERM), 0);
	EXPECT(now_ms() - start < 5000);
	EXPECT(hear(&site, &ear, NULL));
	EXPECT(hear(&site, &heard, NULL));
	EXPECT_INT(heard.kind, ERROR_TRANSIENT);
	hang_up(&site, &ear);
	hang_up(&site, &heard);
	site_release(&site);
}

TEST_MAIN(TEST_OF(faults, status_with_retry_after), TEST_OF(faults, lost_before_and_after),
	  TEST_OF(faults, late), TEST_OF(faults, counted), TEST_OF(faults, stale),
	  TEST_OF(faults, watch_in_pieces), TEST_OF(faults, watch_cut),
	  TEST_OF(faults, end_with_the_server))
