/*
 * What the process lives on runs out and comes back: descriptors, names, room for its log lines.
 * Over real sockets; the resolver is this program's own getaddrinfo, which libcurl calls.
 */
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <netdb.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pkg/base/check.h"
#include "pkg/base/log.h"
#include "test/lib/probe.h"
#include "test/lib/server.h"
#include "test/lib/test.h"
#include "test/lib/world_scenarios.h"

#define NAME "api.test"

/* ---- a server that answers GETs at once, and streams a line a request from elsewhere ---- */

struct house {
	struct server *server;
	struct rig rig;
	atomic_int lines; /* of the stream, asked for */
};

static bool serve(void *ctx, struct exchange *exchange)
{
	struct house *house = ctx;
	int told = 0;

	if (strncmp(exchange->request, "GET /stream ", 12) != 0)
		return exchange_send(exchange, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
	if (!exchange_send(exchange, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"))
		return false;
	while (!exchange_wait_closed(exchange, 5))
		for (; told < atomic_load(&house->lines); told++)
			exchange_send(exchange, "2\r\nx\n\r\n");
	return false;
}

static void house_init(struct house *house, const char *host)
{
	struct endpoint endpoint = {.user_agent = "probe/1"};

	atomic_init(&house->lines, 0);
	house->server = server_new(serve, house);
	rig_init(&house->rig, &system_clock, "http", host, server_port(house->server), &endpoint);
}

static void house_release(struct house *house)
{
	rig_release(&house->rig);
	server_free(house->server);
}

static enum error_kind get(struct house *house)
{
	struct probe probe = {0};

	probe_get(&probe, &house->rig, "/x");
	EXPECT(probe_wait(&probe));
	if (probe.kind == ERROR_NONE)
		EXPECT_TEXT(probe.text.buf, "ok");
	probe_release(&probe);
	return probe.kind;
}

/* ---- descriptors ---- */

/* No descriptor beyond those that are open now. */
static struct rlimit take_descriptors(void)
{
	struct rlimit before, none;
	int next = dup(STDERR_FILENO);

	CHECK(next >= 0 && getrlimit(RLIMIT_NOFILE, &before) == 0);
	close(next);
	none = before;
	none.rlim_cur = (rlim_t)next;
	CHECK(setrlimit(RLIMIT_NOFILE, &none) == 0);
	return before;
}

TEST(resources, descriptors_run_out_and_come_back)
{
	struct house house;
	struct probe stream = {0};

	house_init(&house, "127.0.0.1");
	probe_start(&stream, &house.rig,
		    &(struct http_request){.method = "GET", .path = "/stream", .stream = true});
	EXPECT(rig_wait(&house.rig, &stream.heads, 1));
	struct rlimit before = take_descriptors();
	for (int i = 0; i < 3; i++)
		EXPECT_INT(get(&house), ERROR_TRANSIENT);
	/* What is open goes on. */
	atomic_store(&house.lines, 1);
	EXPECT(rig_wait(&house.rig, &stream.datas, 1));
	CHECK(setrlimit(RLIMIT_NOFILE, &before) == 0);
	EXPECT_INT(get(&house), ERROR_NONE);
	probe_cancel(&stream);
	probe_release(&stream);
	house_release(&house);
}

/* ---- names ---- */

static atomic_bool resolver_gone;

/* As libc has it, one piece of memory an address, so that either's freeaddrinfo will do. */
struct one_address {
	struct addrinfo info;
	struct sockaddr_in address;
};

/* This whole program's resolver, libcurl's too: every name is this machine's. */
int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints UNUSED,
		struct addrinfo **out)
{
	if (node && strcmp(node, NAME) == 0 && atomic_load(&resolver_gone))
		return EAI_AGAIN;
	struct one_address *found = xcalloc(1, sizeof(*found));
	found->address = (struct sockaddr_in){
	    .sin_family = AF_INET,
	    .sin_port = htons((uint16_t)strtoul(service ? service : "0", NULL, 10)),
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	found->info = (struct addrinfo){
	    .ai_family = AF_INET,
	    .ai_socktype = SOCK_STREAM,
	    .ai_protocol = IPPROTO_TCP,
	    .ai_addrlen = sizeof(found->address),
	    .ai_addr = (struct sockaddr *)&found->address,
	};
	*out = &found->info;
	return 0;
}

void freeaddrinfo(struct addrinfo *info)
{
	free(info);
}

TEST(resources, names_go_and_come_back)
{
	struct house house;

	atomic_store(&resolver_gone, true);
	house_init(&house, NAME);
	for (int i = 0; i < 3; i++)
		EXPECT_INT(get(&house), ERROR_TRANSIENT);
	atomic_store(&resolver_gone, false);
	EXPECT_INT(get(&house), ERROR_NONE);
	/* A connection that is there needs no name. */
	atomic_store(&resolver_gone, true);
	EXPECT_INT(get(&house), ERROR_NONE);
	EXPECT_INT(server_connections(house.server), 1);
	house_release(&house);
	atomic_store(&resolver_gone, false);
}

/* ---- room for log lines ---- */

static void play_and_leave(int err)
{
	struct world *world = world_new(NULL);

	/* As the program's loop does. */
	signal(SIGPIPE, SIG_IGN);
	dup2(err, STDERR_FILENO);
	log_setup(&system_clock, NULL, NULL, NULL);
	log_info("a line", F_STR("a", "b"));
	scenario_play(scenario_find("fresh_custom"), world, false);
	_exit(world_breach(world)[0] ? 1 : 0);
}

static int status_of_child(int err)
{
	int status = 0;
	pid_t child = fork();

	CHECK(child >= 0);
	if (child == 0)
		play_and_leave(err);
	CHECK(waitpid(child, &status, 0) == child);
	return status;
}

TEST(resources, log_lines_find_no_room)
{
	int full = open("/dev/full", O_WRONLY | O_CLOEXEC), ends[2];

	CHECK(full >= 0 && write(full, "x", 1) < 0);
	EXPECT_INT(status_of_child(full), 0);
	close(full);
	/* Nor a reader. */
	CHECK(pipe2(ends, O_CLOEXEC) == 0);
	close(ends[0]);
	EXPECT_INT(status_of_child(ends[1]), 0);
	close(ends[1]);
}

/* ---- the program itself ---- */

/* A child that becomes the program that was built beside this test; nobody listens at that port. */
static pid_t start_program(int err, rlim_t descriptors)
{
	char self[PATH_MAX], program[PATH_MAX + 32];
	struct rlimit limit = {descriptors, descriptors};
	ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);

	CHECK(length > 0);
	self[length] = 0;
	/* .../tests/test_resources */
	snprintf(program, sizeof(program), "%s/autoscaler-keda-hpa", dirname(dirname(self)));
	pid_t child = fork();
	CHECK(child >= 0);
	if (child != 0)
		return child;
	dup2(err, STDERR_FILENO);
	dup2(err, STDOUT_FILENO);
	setenv("SYSTEM_NAMESPACE", "knative-serving", 1);
	setenv("POD_NAME", "p", 1);
	setenv("PROBES_PORT", "0", 1);
	setenv("SCALER_PORT", "0", 1);
	setenv("METRICS_PROMETHEUS_PORT", "0", 1);
	setrlimit(RLIMIT_NOFILE, &limit);
	execl(program, program, "--server", "http://127.0.0.1:1", "--disable-ha", (char *)NULL);
	_exit(127);
}

static void expect_life(pid_t child, int ms)
{
	int status = 0;

	test_sleep_ms(ms);
	EXPECT_INT(waitpid(child, &status, WNOHANG), 0);
	kill(child, SIGTERM);
	CHECK(waitpid(child, &status, 0) == child);
	EXPECT(WIFEXITED(status));
	EXPECT_INT(WEXITSTATUS(status), 0);
}

TEST(resources, program_lives_on)
{
	int full = open("/dev/full", O_WRONLY | O_CLOEXEC);

	CHECK(full >= 0);
	expect_life(start_program(full, 1024), 1500);
	close(full);
}

TEST_MAIN(TEST_OF(resources, descriptors_run_out_and_come_back),
	  TEST_OF(resources, names_go_and_come_back), TEST_OF(resources, log_lines_find_no_room),
	  TEST_OF(resources, program_lives_on))
