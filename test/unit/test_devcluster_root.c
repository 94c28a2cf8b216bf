/*
 * The static program where there is nothing but itself and what the kubelet mounts into a pod: it
 * finds the API server by name, whatever stands in /etc, and where it cannot, it says so and goes
 * on trying. Confined as the Deployment with the shipped seccomp profile has it.
 */
#include "test/unit/confined_site.h"

#define ACCOUNT "var/run/secrets/kubernetes.io/serviceaccount"
#define LEADS "\"message\":\"leads\""

struct root {
	struct site site;
	const char *path;
};

static const char *in_root(struct root *root, const char *name)
{
	return arena_printf(root->site.arena, "%s/%s", root->path, name);
}

/* text NULL: there is no such file. */
static void put(struct root *root, const char *name, const char *text)
{
	const char *path = in_root(root, name);
	unlink(path);
	CHECK(!text || (write_text(path, text) && chmod(path, 0644) == 0));
}

static void root_init(struct root *root)
{
	size_t length;
	site_init(&root->site);
	struct arena *arena = root->site.arena;
	root->path = arena_printf(arena, "%s/root", root->site.dir);
	CHECK(chmod(root->site.dir, 0755) == 0);
	CHECK(system(arena_printf(arena, "mkdir -p %s %s", in_root(root, "etc"),
				  in_root(root, ACCOUNT))) == 0);
	char *ca = test_read_file(arena_printf(arena, "%s/ca.crt", root->site.dir), &length);
	put(root, ACCOUNT "/ca.crt", ca);
	put(root, ACCOUNT "/token", token_of(&root->site));
	free(ca);
	put(root, "program", "");
	CHECK(mount(beside(arena, "autoscaler-keda-hpa"), in_root(root, "program"), NULL, MS_BIND,
		    NULL) == 0);
}

static void root_release(struct root *root)
{
	CHECK(umount2(in_root(root, "program"), MNT_DETACH) == 0);
	CHECK(system(arena_printf(root->site.arena, "rm -r %s", root->path)) == 0);
	site_release(&root->site);
}

static void start(struct root *root)
{
	char *argv[] = {beside(root->site.arena, "confined"),
			(char[]){"--kill"},
			(char[]){"--profile"},
			(char[]){PROFILE},
			(char[]){"--root"},
			arena_strdup(root->site.arena, root->path),
			(char[]){"/program"},
			NULL};
	setenv("KUBERNETES_SERVICE_HOST", "kubernetes.default.svc", 1);
	setenv("KUBERNETES_SERVICE_PORT", port_of(&root->site), 1);
	setenv("SYSTEM_NAMESPACE", "knative-serving", 1);
	setenv("POD_NAME", "autoscaler-keda-hpa-0", 1);
	CHECK(write_text(arena_printf(root->site.arena, "%s/program", root->site.dir), ""));
	root->site.program = spawn(&root->site, "program", argv);
}

static bool comes_to_say(struct root *root, const char *text)
{
	int64_t until = now_ms() + WAIT_MS;
	while (!strstr(words(&root->site), text) && runs(&root->site) && now_ms() < until)
		pass_time(&root->site, 20);
	EXPECT_CONTAINS(words(&root->site), text);
	return strstr(words(&root->site), text);
}

static void leads_and_ends(struct root *root)
{
	EXPECT(comes_to_say(root, LEADS));
	kill(root->site.program, SIGTERM);
	EXPECT_INT(how_it_ended(&root->site), 0);
}

TEST(root, names_are_found)
{
	static const struct {
		const char *what, *resolv_conf, *hosts, *nsswitch_conf;
	} rows[] = {
	    {"the search list alone", POD_RESOLV_CONF, NULL, NULL},
	    {"/etc/hosts as the kubelet writes it", POD_RESOLV_CONF,
	     "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost\n", NULL},
	    {"/etc/hosts alone", NULL, "127.0.0.1 kubernetes.default.svc\n", NULL},
	    {"services that a static program has not", POD_RESOLV_CONF, NULL,
	     "hosts: files mdns4_minimal [NOTFOUND=return] dns myhostname\n"},
	    {"no configuration of names at all but an empty one", POD_RESOLV_CONF, NULL, ""},
	    {"a full name, the default server", NULL,
	     "127.0.0.1 nobody\n127.0.0.1 kubernetes.default.svc\n", "hosts: dns files\n"},
	};
	struct root root;
	root_init(&root);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		test_row("%s", rows[i].what);
		put(&root, "etc/resolv.conf", rows[i].resolv_conf);
		put(&root, "etc/hosts", rows[i].hosts);
		put(&root, "etc/nsswitch.conf", rows[i].nsswitch_conf);
		start(&root);
		leads_and_ends(&root);
	}
	root_release(&root);
}

/* Nothing says where names are asked for, until something does. */
TEST(root, names_are_asked_for_again)
{
	struct root root;
	root_init(&root);
	start(&root);
	EXPECT(comes_to_say(&root, "resolve kubernetes.default.svc:"));
	EXPECT(comes_to_say(&root, ": no address found"));
	EXPECT_FALSE(strstr(words(&root.site), LEADS));
	put(&root, "etc/resolv.conf", POD_RESOLV_CONF);
	leads_and_ends(&root);
	root_release(&root);
}

int main(int argc, char **argv)
{
	static const struct test_case cases[] = {
	    TEST_OF(root, names_are_found),
	    TEST_OF(root, names_are_asked_for_again),
	};
	return confined_main(argc, argv, cases, ARRAY_SIZE(cases));
}
