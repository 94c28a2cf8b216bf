/*
 * devcluster as its clients see it, over HTTPS: who may enter, reading, watching, patching, what is
 * refused, the control paths. Raw requests go through openssl's client, to see bytes and headers.
 */
#include "test/unit/devcluster_site.h"

/* Sends text as it is and answers all that came back. */
static const char *raw(struct site *site, const char *text, size_t length)
{
	const char *request = arena_printf(site->arena, "%s/request", site->dir);
	const char *answer = arena_printf(site->arena, "%s/answer", site->dir);
	FILE *file = fopen(request, "w");
	CHECK(file && fwrite(text, 1, length, file) == length && fclose(file) == 0);
	const char *port = strrchr(site->endpoint.server, ':') + 1;
	const char *command = arena_printf(
	    site->arena,
	    "timeout 5 openssl s_client -quiet -ign_eof -verify_return_error -CAfile %s/ca.crt "
	    "-connect 127.0.0.1:%s <%s >%s 2>/dev/null",
	    site->dir, port, request, answer);
	if (system(command) == -1)
		return "";
	char *got = test_read_file(answer, &length);
	const char *kept = arena_strndup(site->arena, got, length);
	free(got);
	return kept;
}

static const char *raw_get(struct site *site, const char *path, const char *headers)
{
	const char *text =
	    arena_printf(site->arena, "GET %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n%s\r\n",
			 path, headers);
	return raw(site, text, strlen(text));
}

static const char *bearer(struct site *site)
{
	return arena_printf(site->arena, "Authorization: Bearer %s\r\n", site->endpoint.token);
}

TEST(door, opens_for_the_token_only)
{
	struct site site;
	struct stat status;
	site_init(&site);
	EXPECT(stat(arena_printf(site.arena, "%s/kubeconfig", site.dir), &status) == 0);
	EXPECT_INT(status.st_mode & 0777, 0600);
	EXPECT_CONTAINS(raw_get(&site, CONFIGMAPS, ""), "HTTP/1.1 401 ");
	EXPECT_CONTAINS(raw_get(&site, CONFIGMAPS, ""), "\"reason\":\"Unauthorized\"");
	EXPECT_CONTAINS(raw_get(&site, CONFIGMAPS, "Authorization: Bearer x\r\n"), " 401 ");
	EXPECT_CONTAINS(raw_get(&site, CONFIGMAPS, "Authorization: Basic eDp5\r\n"), " 401 ");
	EXPECT_CONTAINS(raw_get(&site, "/devcluster/state", ""), " 401 ");
	EXPECT_CONTAINS(raw_get(&site, "/readyz", ""), "HTTP/1.1 200 ");
	EXPECT_CONTAINS(raw_get(&site, CONFIGMAPS, bearer(&site)), "HTTP/1.1 200 ");
	EXPECT_CONTAINS(raw_get(&site, CONFIGMAPS, bearer(&site)), "\r\nDate: ");
	site_release(&site);
}

TEST(reading, lists_pages_tables)
{
	struct site site;
	const char *body;
	site_init(&site);
	EXPECT_INT(ask(&site, "GET", "/api/v1/namespaces", NULL, &body), 200);
	EXPECT_CONTAINS(body, "\"name\":\"knative-serving\"");
	EXPECT_INT(ask(&site, "POST", CONFIGMAPS, CONFIGMAP("a", "}"), NULL), 201);
	EXPECT_INT(ask(&site, "POST", CONFIGMAPS, CONFIGMAP("b", "}"), NULL), 201);
	EXPECT_INT(ask(&site, "POST", CONFIGMAPS, CONFIGMAP("b", "}"), NULL), 409);
	EXPECT_INT(ask(&site, "GET", CONFIGMAPS "?limit=1", NULL, &body), 200);
	const char *token = strstr(body, "\"continue\":\"");
	EXPECT(token && strstr(body, "\"name\":\"a\"") && !strstr(body, "\"name\":\"b\""));
	token = token ? token + 12 : "";
	EXPECT_INT(ask(&site, "GET",
		       arena_printf(site.arena, CONFIGMAPS "?limit=1&continue=%.*s",
				    (int)strcspn(token, "\""), token),
		       NULL, &body),
		   200);
	EXPECT(strstr(body, "\"name\":\"b\"") && !strstr(body, "\"continue\""));
	body = raw_get(&site, CONFIGMAPS,
		       arena_printf(site.arena,
				    "%sAccept: application/json;as=Table;v=v1;g=meta.k8s.io\r\n",
				    bearer(&site)));
	EXPECT_CONTAINS(body, "{\"kind\":\"Table\"");
	EXPECT_CONTAINS(body, "\"cells\":[\"a\",0,\"");
	site_release(&site);
}

TEST(writing, patches_and_deletes)
{
	static const struct {
		const char *type, *patch, *text;
		int status;
	} rows[] = {
	    {"application/json-patch+json",
	     "[{\"op\":\"add\",\"path\":\"/data/x\",\"value\":\"1\"}]", "\"x\":\"1\"", 200},
	    {"application/json-patch+json",
	     "[{\"op\":\"test\",\"path\":\"/data/x\",\"value\":\"2\"}]", "testing value failed",
	     422},
	    {"application/merge-patch+json", "{\"data\":{\"x\":null}}", "\"data\":{\"k\":\"v\"}",
	     200},
	    {"application/strategic-merge-patch+json; charset=utf-8", "{\"data\":{\"y\":\"2\"}}",
	     "\"y\":\"2\"", 200},
	    {"application/apply-patch+yaml", "{}", "unknown format", 415},
	    {"application/merge-patch+json", "{\"data\":", "no JSON", 400},
	};
	struct site site;
	const char *body;
	site_init(&site);
	EXPECT_INT(ask(&site, "POST", CONFIGMAPS, CONFIGMAP("a", "},\"data\":{\"k\":\"v\"}"), NULL),
		   201);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		test_row("%s %s", rows[i].type, rows[i].patch);
		EXPECT_INT(
		    ask_with(&site, "PATCH", CONFIGMAPS "/a", rows[i].type, rows[i].patch, &body),
		    rows[i].status);
		EXPECT_CONTAINS(body, rows[i].text);
	}
	test_row("%s", "");
	EXPECT_INT(ask(&site, "DELETE", CONFIGMAPS "/a", NULL, &body), 200);
	EXPECT_CONTAINS(body, "\"details\":{\"name\":\"a\",\"kind\":\"configmaps\",\"uid\":\"");
	EXPECT_INT(ask(&site, "GET", CONFIGMAPS "/a", NULL, NULL), 404);
	static const char object[] =
	    "{\"apiVersion\":\"keda.sh/v1alpha1\",\"kind\":\"ScaledObject\",\"metadata\":{"
	    "\"name\":\"x\"},\"spec\":{\"bogus\":1,\"scaleTargetRef\":{\"name\":\"d\"},"
	    "\"triggers\":[]}}";
	body = arena_printf(site.arena,
			    "POST /apis/keda.sh/v1alpha1/namespaces/default/scaledobjects"
			    "?dryRun=All HTTP/1.1\r\nHost: x\r\nConnection: close\r\n%s"
			    "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
			    bearer(&site), strlen(object), object);
	EXPECT_CONTAINS(raw(&site, body, strlen(body)),
			"\r\nWarning: 299 - \"unknown field \\\"spec.bogus\\\"\"\r\n");
	site_release(&site);
}

/* ---- watches ---- */

static int by_value(const void *a, const void *b)
{
	const int64_t *left = a, *right = b;
	return (*left > *right) - (*left < *right);
}

TEST(watching, hears_changes_at_once)
{
	struct site site;
	struct heard ear;
	site_init(&site);
	watch(&site, &ear,
	      CONFIGMAPS "?watch=1&allowWatchBookmarks=true&sendInitialEvents=true&"
			 "resourceVersionMatch=NotOlderThan");
	EXPECT(hear(&site, &ear, "k8s.io/initial-events-end"));
	int64_t took[21];
	for (size_t i = 0; i < ARRAY_SIZE(took); i++) {
		const char *name = arena_printf(site.arena, "\"name\":\"n%zu\"", i);
		int64_t start = now_ms();
		ask(&site, "POST", CONFIGMAPS,
		    arena_printf(site.arena, "{\"metadata\":{%s}}", name), NULL);
		EXPECT(hear(&site, &ear, name));
		took[i] = now_ms() - start;
	}
	/* A few milliseconds; under sanitizers on a busy machine some tens. */
	qsort(took, ARRAY_SIZE(took), sizeof(took[0]), by_value);
	EXPECT(took[ARRAY_SIZE(took) / 2] < 500);
	EXPECT(ear.call != NULL);
	hang_up(&site, &ear);
	site_release(&site);
}

TEST(watching, ends_with_its_time_and_with_history)
{
	struct site site;
	struct heard ear;
	const char *body;
	site_init(&site);
	watch(&site, &ear, CONFIGMAPS "?watch=1&timeoutSeconds=1");
	int64_t start = now_ms();
	EXPECT(hear(&site, &ear, NULL));
	EXPECT_INT(ear.kind, ERROR_NONE);
	EXPECT(now_ms() - start >= 900);
	hang_up(&site, &ear);
	ask(&site, "POST", CONFIGMAPS, CONFIGMAP("a", "}"), NULL);
	EXPECT_INT(ask(&site, "POST", "/devcluster/compact", NULL, NULL), 200);
	watch(&site, &ear, CONFIGMAPS "?watch=1&resourceVersion=1001");
	EXPECT(hear(&site, &ear, NULL));
	EXPECT_CONTAINS(ear.body.buf, "{\"type\":\"ERROR\"");
	EXPECT_CONTAINS(ear.body.buf, "\"code\":410");
	hang_up(&site, &ear);
	EXPECT_INT(
	    ask(&site, "GET", CONFIGMAPS "?limit=1&continue=1001%3Adefault%2Fa", NULL, &body), 410);
	EXPECT_CONTAINS(body, "\"reason\":\"Expired\"");
	site_release(&site);
}

/* Watches whose clients went away are not kept. */
TEST(watching, forgets_the_gone)
{
	struct site site;
	struct heard ears[20];
	const char *body = "";
	site_init(&site);
	for (size_t i = 0; i < ARRAY_SIZE(ears); i++)
		watch(&site, &ears[i],
		      CONFIGMAPS "?watch=1&sendInitialEvents=true&"
				 "allowWatchBookmarks=true&resourceVersionMatch="
				 "NotOlderThan");
	for (size_t i = 0; i < ARRAY_SIZE(ears); i++)
		EXPECT(hear(&site, &ears[i], "initial-events-end"));
	ask(&site, "GET", "/devcluster/state", NULL, &body);
	EXPECT_CONTAINS(body, "\"watches\":20,");
	for (size_t i = 0; i < ARRAY_SIZE(ears); i++)
		hang_up(&site, &ears[i]);
	int64_t until = now_ms() + WAIT_MS;
	while (now_ms() < until && !strstr(body, "\"watches\":0,")) {
		pass_time(&site, 100);
		ask(&site, "GET", "/devcluster/state", NULL, &body);
	}
	EXPECT_CONTAINS(body, "\"watches\":0,");
	site_release(&site);
}

/* ---- what nobody should send ---- */

TEST(hostile, requests_are_refused)
{
	struct site site;
	site_init(&site);
	const char *head = arena_printf(site.arena,
					"POST " CONFIGMAPS " HTTP/1.1\r\nHost: x\r\n%s"
					"Connection: close\r\nContent-Type: application/json\r\n",
					bearer(&site));
	const char *text = arena_printf(site.arena, "%sContent-Length: 3145729\r\n\r\n{", head);
	EXPECT_CONTAINS(raw(&site, text, strlen(text)), "HTTP/1.1 413 ");
	char *big = arena_alloc(site.arena, 5u << 20);
	memset(big, ' ', (5u << 20) - 1);
	text = arena_printf(site.arena,
			    "%sTransfer-Encoding: chunked\r\n\r\n300001\r\n%.*s\r\n0"
			    "\r\n\r\n",
			    head, 0x300001, big);
	EXPECT_CONTAINS(raw(&site, text, strlen(text)), "HTTP/1.1 413 ");
	text = arena_printf(site.arena, "GET / HTTP/1.1\r\nHost: x\r\nX-Big: %.*s\r\n\r\n", 100000,
			    big);
	EXPECT(!strstr(raw(&site, text, strlen(text)), " 200 "));
	text = "\x16\x03\x01 no HTTP at all\r\n\r\n";
	EXPECT(!strstr(raw(&site, text, strlen(text)), " 200 "));
	EXPECT_CONTAINS(raw_get(&site, "/api/v1/namespaces/../../etc/passwd", bearer(&site)),
			" 404 ");
	EXPECT_CONTAINS(
	    raw_get(&site, "/api/v1/namespaces/%2e%2e/configmaps/%00%ff", bearer(&site)), " 404 ");
	/* What is large but allowed arrives, by 100-continue. */
	text =
	    arena_printf(site.arena, "{\"metadata\":{\"name\":\"big\"},\"data\":{\"k\":\"%.*s\"}}",
			 3000000, big);
	EXPECT_INT(ask(&site, "POST", CONFIGMAPS, text, NULL), 201);
	char *deep = arena_alloc(site.arena, 200001);
	memset(deep, '[', 200000);
	EXPECT_INT(ask(&site, "POST", CONFIGMAPS, deep, NULL), 400);
	EXPECT_INT(ask(&site, "POST", CONFIGMAPS, "{\"metadata\":{\"name\":1}}", NULL), 422);
	EXPECT_INT(
	    ask(&site, "POST", "/api/v1/namespaces/nowhere/configmaps", CONFIGMAP("a", "}"), NULL),
	    404);
	EXPECT_INT(ask(&site, "GET", "/readyz", NULL, NULL), 200);
	site_release(&site);
}

TEST(control, names_what_it_does_not_know)
{
	static const struct {
		const char *method, *path, *text;
		int status;
	} rows[] = {
	    {"POST", "metric?namespace=default&value=5", "{}", 200},
	    {"POST", "metric?namespace=default&name=orders&value=2.5", "{}", 200},
	    {"POST", "metric?namespace=default&value=nan", "{}", 200},
	    {"POST", "metric?namespace=default&value=x", "value: \\\"x\\\" is no number", 400},
	    {"POST", "metric?namespace=default", "value: this parameter is missing", 400},
	    {"POST", "metric?namespace=default&value=1&nme=x", "nme: there is no such", 400},
	    {"POST", "metric?namespace=default&value=1&%20=x", " : there is no such", 400},
	    {"POST", "usage?namespace=default&value=80", "{}", 200},
	    {"POST", "pods?startAfter=100ms", "{}", 200},
	    {"POST", "pods?startAfter=never", "{}", 200},
	    {"POST", "pods?startAfter=soon", "startAfter:", 400},
	    {"POST", "keda?running=false", "{}", 200},
	    {"POST", "keda?installed=maybe", "installed: \\\"maybe\\\" is no boolean", 400},
	    {"POST", "knative?running=true", "{}", 200},
	    {"POST", "hpa?running=true", "{}", 200},
	    {"POST", "fault?match=GET+/x&kind=status&value=503", "{}", 200},
	    {"POST", "fault?match=GET+/x&kind=status", "value: kind status needs", 400},
	    {"POST", "fault?match=GET+/x&kind=sleep", "is none of status", 400},
	    {"POST", "fault?match=GET+/x&kind=delay&value=5&after=-1", "after:", 400},
	    {"GET", "state", "\"kedaRunning\":false", 200},
	    {"GET", "state", "\"method\":\"GET\",\"path\":\"/x\"", 200},
	    {"DELETE", "faults", "{}", 200},
	    {"GET", "state", "\"faults\":[]", 200},
	    {"GET", "metric", "no such command", 404},
	    {"POST", "reboot", "no such command", 404},
	    {"POST", "compact?a&b&c&d&e&f&g&h&i", "more than 8 parameters", 400},
	};
	struct site site;
	const char *body;
	site_init(&site);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const char *path = arena_printf(site.arena, "/devcluster/%s", rows[i].path);
		test_row("%s %s", rows[i].method, path);
		EXPECT_INT(ask(&site, rows[i].method, path, NULL, &body), rows[i].status);
		EXPECT_CONTAINS(body, rows[i].text);
	}
	site_release(&site);
}

/* ---- options ---- */

/* Its exit code; the log holds what it said. */
static int run(struct site *site, const char *arguments)
{
	char *argv[8] = {beside(site->arena, "devcluster")};
	char *rest = arena_strdup(site->arena, arguments), *word;
	size_t count = 1;
	int status = 0;
	while (count < ARRAY_SIZE(argv) - 1 && (word = strsep(&rest, " ")))
		argv[count++] = word;
	pid_t pid = spawn(site, "log", argv);
	EXPECT(waitpid(pid, &status, 0) == pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST(options, are_checked)
{
	static const struct {
		const char *arguments, *text;
		int code;
	} rows[] = {
	    {"--help", "Usage: devcluster --dir DIR", 0},
	    {"--port 0", "--dir is missing", 2},
	    {"--dir", "--dir needs a value", 2},
	    {"--dir @ --port 65536", "--port: \"65536\" is no port number", 2},
	    {"--dir @ --port -1", "is no port number", 2},
	    {"--dir @ --hpa-sync 15", "--hpa-sync: \"15\" is no duration", 2},
	    {"--dir @ --hpa-sync 1ms", "is no duration of 10ms or more", 2},
	    {"--dir @ --colour", "there is no option --colour", 2},
	    {"--dir @ more", "\"more\": no argument is expected", 2},
	    {"--dir @/none/none", "make the folder", 1},
	    {"--dir /dev/null", "write /dev/null/ca.crt", 1},
	    {"--dir @ --trace @/none/trace", "--trace: ", 1},
	    {"--dir @ --port %", "listen on 127.0.0.1 port", 1},
	};
	struct site site;
	site_init(&site);
	const char *port = strrchr(site.endpoint.server, ':') + 1;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		CLEANUP(strbuf_release) struct strbuf arguments = STRBUF_INIT;
		size_t length;
		for (const char *at = rows[i].arguments; *at; at++) {
			if (*at == '@' || *at == '%')
				strbuf_addstr(&arguments, *at == '@' ? site.dir : port);
			else
				strbuf_addch(&arguments, *at);
		}
		test_row("%s", rows[i].arguments);
		CHECK(truncate(arena_printf(site.arena, "%s/log", site.dir), 0) == 0);
		EXPECT_INT(run(&site, arguments.buf), rows[i].code);
		char *said = test_read_file(arena_printf(site.arena, "%s/log", site.dir), &length);
		EXPECT_CONTAINS(said, rows[i].text);
		free(said);
	}
	test_row("%s", "");
	/* None of them took the running one's files. */
	EXPECT_INT(ask(&site, "GET", "/api/v1/namespaces", NULL, NULL), 200);
	site_release(&site);
}

TEST_MAIN(TEST_OF(options, are_checked), TEST_OF(door, opens_for_the_token_only),
	  TEST_OF(reading, lists_pages_tables), TEST_OF(writing, patches_and_deletes),
	  TEST_OF(watching, hears_changes_at_once),
	  TEST_OF(watching, ends_with_its_time_and_with_history),
	  TEST_OF(watching, forgets_the_gone), TEST_OF(hostile, requests_are_refused),
	  TEST_OF(control, names_what_it_does_not_know))
