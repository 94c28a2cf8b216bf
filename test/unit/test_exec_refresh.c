/* Credential plugins behind a transport: when they are run again, and what a failure leaves. */
#include <string.h>
#include <unistd.h>

#include "pkg/base/date.h"
#include "test/lib/fake_clock.h"
#include "test/lib/probe.h"
#include "test/lib/server.h"
#include "test/unit/exec_fixture.h"

/* 200 for the newest token, else 401. */
static bool guard(void *ctx, struct exchange *exchange)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	const char *want = arena_printf(arena, "\r\nAuthorization: Bearer t%d\r\n",
					__atomic_load_n((int *)ctx, __ATOMIC_SEQ_CST));
	return exchange_send(exchange, "HTTP/1.1 %s\r\nContent-Length: 0\r\n\r\n",
			     strstr(exchange->request, want) ? "200 OK" : "401 Unauthorized");
}

/* Its answers count up: t1, t2, ... The number, and how long it is good for, are files. */
static const char counting[] = "n=$(( $(cat $OUT 2>/dev/null || echo 0) + 1 )); echo $n >$OUT\n"
			       "[ ! -e $OUT.broken ] || exit 1\n"
			       "until=$(cat $OUT.until 2>/dev/null)\n"
			       "echo '{\"kind\":\"ExecCredential\",\"apiVersion\":\"" V1
			       "\",\"status\":{'\"${until:+\\\"expirationTimestamp\\\":\\\"$"
			       "until\\\",}\"'\"token\":\"t'$n'\"}}'\n";

static int ask(struct rig *rig)
{
	CLEANUP(probe_release) struct probe probe = {0};
	probe_get(&probe, rig, "/");
	EXPECT(probe_wait(&probe));
	EXPECT_INT(probe.kind, ERROR_NONE);
	return probe.response.status;
}

struct site {
	struct arena *arena;
	struct exec_plugin plugin;
	struct fake_clock clock;
	struct server *server;
	struct rig rig;
	int newest; /* the token that the server takes */
};

static void site_init(struct site *site)
{
	struct endpoint endpoint = {0};
	memset(site, 0, sizeof(*site));
	site->arena = arena_new();
	site->plugin = (struct exec_plugin){.command = program(site->arena, "count", counting),
					    .api_version = V1,
					    .args = none,
					    .env = none};
	unlink(in_folder(site->arena, "out"));
	site->newest = 1;
	fake_clock_init(&site->clock);
	site->server = server_new(guard, &site->newest);
	endpoint.credentials = (struct credential_source){exec_plugin_fetch, &site->plugin};
	rig_init(&site->rig, &site->clock.clock, "http", "127.0.0.1", server_port(site->server),
		 &endpoint);
}

static void site_release(struct site *site)
{
	rig_release(&site->rig);
	server_free(site->server);
	unlink(in_folder(site->arena, "out.broken"));
	unlink(in_folder(site->arena, "out.until"));
	arena_free(site->arena);
}

static void withdraw(struct site *site)
{
	__atomic_add_fetch(&site->newest, 1, __ATOMIC_SEQ_CST);
}

TEST(exec, is_run_again_after_401)
{
	CLEANUP(site_release) struct site site;
	site_init(&site);
	EXPECT_INT(ask(&site.rig), 200);
	EXPECT_INT(ask(&site.rig), 200);
	EXPECT_TEXT(output(site.arena), "1\n");
	withdraw(&site);
	EXPECT_INT(ask(&site.rig), 401);
	/* Not for each of them: 10 s later. */
	EXPECT_INT(ask(&site.rig), 401);
	EXPECT_TEXT(output(site.arena), "1\n");
	fake_clock_advance(&site.clock, 10000);
	EXPECT_INT(ask(&site.rig), 200);
	EXPECT_TEXT(output(site.arena), "2\n");
	fake_clock_advance(&site.clock, 86400000);
	EXPECT_INT(ask(&site.rig), 200);
	EXPECT_TEXT(output(site.arena), "2\n");
	withdraw(&site);
	EXPECT_INT(ask(&site.rig), 401);
	EXPECT_INT(ask(&site.rig), 200); /* no time has passed */
}

/* Whole seconds from now, by the real clock: the plugin's word is held against that. */
static void good_for(struct site *site, int seconds)
{
	char text[TIME_RFC3339_SIZE];
	FILE *file = fopen(in_folder(site->arena, "out.until"), "we");
	time_format_rfc3339(clock_wall(&system_clock) + seconds * 1000, text);
	CHECK(file && fputs(text, file) >= 0 && fclose(file) == 0);
}

TEST(exec, is_run_again_when_its_answer_runs_out)
{
	CLEANUP(site_release) struct site site;
	site_init(&site);
	good_for(&site, 3600);
	withdraw(&site);
	EXPECT_INT(ask(&site.rig), 401);
	fake_clock_advance(&site.clock, 10000);
	EXPECT_INT(ask(&site.rig), 200);
	EXPECT_TEXT(output(site.arena), "2\n");
	fake_clock_advance(&site.clock, 3590000);
	EXPECT_INT(ask(&site.rig), 200);
	EXPECT_TEXT(output(site.arena), "2\n");
	withdraw(&site);
	fake_clock_advance(&site.clock, 10000);
	EXPECT_INT(ask(&site.rig), 200);
	EXPECT_TEXT(output(site.arena), "3\n");
}

TEST(exec, what_fails_later_leaves_the_old_answer)
{
	CLEANUP(site_release) struct site site;
	site_init(&site);
	FILE *file = fopen(in_folder(site.arena, "out.broken"), "we");
	CHECK(file && fclose(file) == 0);
	withdraw(&site);
	EXPECT_INT(ask(&site.rig), 401);
	fake_clock_advance(&site.clock, 10000);
	EXPECT_INT(ask(&site.rig), 401);
	EXPECT_TEXT(output(site.arena), "2\n");
	unlink(in_folder(site.arena, "out.broken"));
	withdraw(&site); /* t3 */
	fake_clock_advance(&site.clock, 10000);
	EXPECT_INT(ask(&site.rig), 200);
}

TEST(exec, what_fails_first_makes_no_transport)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	struct loop *loop = loop_new(&system_clock);
	struct transport *transport = NULL;
	const char *const words[] = {"exit 1",
				     "printf %s '" ANSWER("\"status\":{\"token\":\"a\\nb\"}") "'"};
	const char *const errors[] = {"failed with exit code 1",
				      "token: as given has characters that no token has"};
	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		struct exec_plugin plugin = {.command = program(arena, "fails", words[i]),
					     .api_version = V1,
					     .args = none,
					     .env = none};
		struct endpoint endpoint = {.server = "https://x",
					    .credentials = {exec_plugin_fetch, &plugin}};
		EXPECT(!curl_transport_new(loop, &endpoint, &transport, &err));
		EXPECT_CONTAINS(error_text(&err), errors[i]);
	}
	loop_free(loop);
}

TEST(exec, folder_is_there)
{
	make_folder();
}

TEST_MAIN(TEST_OF(exec, folder_is_there), TEST_OF(exec, is_run_again_after_401),
	  TEST_OF(exec, is_run_again_when_its_answer_runs_out),
	  TEST_OF(exec, what_fails_later_leaves_the_old_answer),
	  TEST_OF(exec, what_fails_first_makes_no_transport))
