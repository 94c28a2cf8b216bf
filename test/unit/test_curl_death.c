/*
 * HTTP/2 connections that die silently: between the transport and nghttpd stands a relay that can
 * stop forwarding one connection while both ends' kernels go on acknowledging.
 */
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "pkg/base/check.h"
#include "test/lib/probe.h"
#include "test/lib/server.h"
#include "test/lib/test.h"
#include "test/lib/tls.h"

#define LINES 16

/* Connections in the order they came; each has a thread. */
struct relay {
	int listener;
	uint16_t port, target;
	pthread_t thread;
	struct line {
		struct relay *relay;
		int near, far;
		atomic_bool held;
		pthread_t thread;
	} lines[LINES];
	atomic_int count;
	atomic_bool over;
};

static bool pump(int from, int to)
{
	char block[16384];
	ssize_t got = read(from, block, sizeof(block));
	for (ssize_t done = 0, put; done < got; done += put)
		if ((put = send(to, block + done, (size_t)(got - done), MSG_NOSIGNAL)) <= 0)
			return false;
	return got > 0;
}

static void *forward(void *ctx)
{
	struct line *line = ctx;
	for (bool open = true; open && !line->relay->over;) {
		struct pollfd fds[2] = {{line->near, POLLIN, 0}, {line->far, POLLIN, 0}};
		if (line->held) {
			test_sleep_ms(5);
			continue;
		}
		poll(fds, 2, 20);
		if (fds[0].revents)
			open = pump(line->near, line->far);
		if (open && fds[1].revents)
			open = pump(line->far, line->near);
	}
	close(line->near);
	close(line->far);
	return NULL;
}

static void *take_in(void *ctx)
{
	struct relay *relay = ctx;
	while (!relay->over) {
		struct pollfd fd = {relay->listener, POLLIN, 0};
		if (poll(&fd, 1, 20) <= 0)
			continue;
		CHECK(relay->count < LINES);
		struct line *line = &relay->lines[relay->count];
		line->relay = relay;
		line->near = accept(relay->listener, NULL, NULL);
		line->far = test_connect(relay->target);
		pthread_create(&line->thread, NULL, forward, line);
		relay->count++;
	}
	return NULL;
}

static void relay_init(struct relay *relay, uint16_t target)
{
	memset(relay, 0, sizeof(*relay));
	relay->target = target;
	relay->listener = test_listen(&relay->port);
	pthread_create(&relay->thread, NULL, take_in, relay);
}

static void relay_release(struct relay *relay)
{
	relay->over = true;
	pthread_join(relay->thread, NULL);
	for (int i = 0; i < relay->count; i++)
		pthread_join(relay->lines[i].thread, NULL);
	close(relay->listener);
}

struct stage {
	struct tls_folder folder;
	struct child child;
	struct relay relay;
	struct rig rig;
};

/* streams: that the server takes on one connection. */
static bool stage_init(struct stage *stage, const char *streams)
{
	char command[128];
	snprintf(command, sizeof(command), "nghttpd -m %s -d . PORT server.key server.crt",
		 streams);
	memset(stage, 0, sizeof(*stage));
	tls_folder_init(&stage->folder);
	int fd = open(tls_path(&stage->folder, "large"), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	EXPECT_INT(ftruncate(fd, 900000000), 0);
	close(fd);
	fd = open(tls_path(&stage->folder, "answer"), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	EXPECT_INT(write(fd, "ok", 2), 2);
	close(fd);
	if (!child_start(&stage->child, &stage->folder, "nghttpd", command)) {
		puts("no nghttpd: skipped");
		tls_folder_release(&stage->folder);
		return false;
	}
	relay_init(&stage->relay, stage->child.port);
	struct endpoint endpoint = {.ca_file = tls_path(&stage->folder, "ca.crt")};
	rig_init(&stage->rig, &system_clock, "https", "127.0.0.1", stage->relay.port, &endpoint);
	return true;
}

static void stage_release(struct stage *stage)
{
	rig_release(&stage->rig);
	relay_release(&stage->relay);
	child_stop(&stage->child);
	tls_folder_release(&stage->folder);
}

static enum error_kind ask(struct stage *stage)
{
	CLEANUP(probe_release) struct probe probe = {0};
	probe_start(&probe, &stage->rig,
		    &(struct http_request){.method = "GET", .path = "/answer", .timeout_ms = 3000});
	EXPECT(probe_wait(&probe));
	return probe.kind;
}

/* The other connection's chatter does not keep the dead one in use. */
TEST(death, one_of_two_connections)
{
	static const struct http_request watch = {
	    .method = "GET", .path = "/large", .stream = true, .idle_ms = 800};
	CLEANUP(probe_release) struct probe dead = {0}, first = {0}, second = {0};
	struct stage stage;
	if (!stage_init(&stage, "1"))
		return;
	probe_start(&dead, &stage.rig, &watch);
	EXPECT(rig_wait(&stage.rig, &dead.datas, 1));
	stage.relay.lines[0].held = true;
	while (!dead.dones && stage.relay.count < LINES - 2)
		EXPECT_INT(ask(&stage), ERROR_NONE);
	EXPECT_TEXT(dead.error, "nothing received for 0.8 s");
	EXPECT_INT(stage.relay.count, 2);

	/* Two at once need two connections: neither may be the dead one. */
	struct http_request small = {.method = "GET", .path = "/answer", .timeout_ms = 5000};
	probe_start(&first, &stage.rig, &small);
	probe_start(&second, &stage.rig, &small);
	EXPECT(probe_wait(&first));
	EXPECT(probe_wait(&second));
	EXPECT_INT(first.kind, ERROR_NONE);
	EXPECT_INT(second.kind, ERROR_NONE);
	stage_release(&stage);
}

/* One that takes too long, beside others or alone, says nothing about its connection. */
TEST(death, a_slow_answer_is_none)
{
	struct http_request request = {
	    .method = "GET", .path = "/large", .timeout_ms = 400, .max_body = 1 << 30};
	struct stage stage;
	if (!stage_init(&stage, "100"))
		return;
	for (int i = 0; i < 5; i++) {
		CLEANUP(probe_release) struct probe slow = {0};
		probe_start(&slow, &stage.rig, &request);
		EXPECT(probe_wait(&slow));
		EXPECT_TEXT(slow.error, "no whole answer within 0.4 s");
		EXPECT_INT(ask(&stage), ERROR_NONE);
	}
	EXPECT_INT(stage.relay.count, 1);
	stage_release(&stage);
}

TEST_MAIN(TEST_OF(death, one_of_two_connections), TEST_OF(death, a_slow_answer_is_none))
