/* A person whose kubeconfig names an exec plugin, and the controller that refuses it. */
#include "test/unit/people_bench.h"

/* The devcluster's kubeconfig with another user, in the site's folder under that name. */
static const char *kubeconfig(struct site *site, const char *name, const char *user)
{
	const char *whole = read_told(site, "kubeconfig");
	const char *users = strstr(whole, "    token: ");
	const char *path = arena_printf(site->arena, "%s/%s", site->dir, name);
	FILE *file = fopen(path, "we");

	CHECK(file && users);
	CHECK(fprintf(file, "%.*s    %s%s", (int)(users - whole), whole, user,
		      strchr(users, '\n')) > 0);
	CHECK(fclose(file) == 0);
	return path;
}

/* It asks on stderr and prints the devcluster's own token. */
static void make_helper(struct site *site)
{
	const char *token = strstr(read_told(site, "kubeconfig"), "    token: ") + 11;
	const char *path = arena_printf(site->arena, "%s/helper", site->dir);
	FILE *file = fopen(path, "we");

	CHECK(file &&
	      fprintf(file,
		      "#!/bin/sh\necho asked $* >&2\n"
		      "echo '{\"kind\":\"ExecCredential\",\"apiVersion\":"
		      "\"client.authentication.k8s.io/v1\",\"status\":{\"token\":\"%.*s\"}}'\n",
		      (int)strcspn(token, "\n"), token) > 0);
	CHECK(fclose(file) == 0 && chmod(path, 0700) == 0);
}

static void forget(struct site *site, const char *name)
{
	unlink(arena_printf(site->arena, "%s/%s", site->dir, name));
}

#define EXEC                                                                                       \
	"exec: {apiVersion: client.authentication.k8s.io/v1, interactiveMode: Never, "             \
	"installHint: Get the helper, "

TEST(exec, person_with_a_plugin)
{
	struct site site;
	site_init(&site);
	make_helper(&site);
	start_program(&site);
	post(&site, SERVICES, HELLO, 201);
	const char *good = kubeconfig(&site, "good", EXEC "command: ./helper, args: [one, two]}");
	struct told told = person_hears(
	    &site, arena_printf(site.arena, "status --kubeconfig %s", good), "hello-00001   True");
	EXPECT_INT(told.code, 0);
	EXPECT_TEXT(told.err, "asked one two\n");

	const char *gone = kubeconfig(&site, "gone", EXEC "command: no-such-helper}");
	told = person(&site, arena_printf(site.arena, "status --kubeconfig %s", gone));
	EXPECT_INT(told.code, 1);
	EXPECT_CONTAINS(told.err,
			"exec plugin no-such-helper: there is no such program\n\nGet the helper\n");

	told = person(&site, arena_printf(site.arena, "run --kubeconfig %s", good));
	EXPECT_INT(told.code, 1);
	EXPECT_CONTAINS(told.err, "exec: the controller runs no exec plugins");
	EXPECT(!strstr(told.err, "asked"));
	forget(&site, "good");
	forget(&site, "gone");
	forget(&site, "helper");
	site_release(&site);
}

TEST_MAIN(TEST_OF(exec, person_with_a_plugin))
