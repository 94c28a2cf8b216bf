/*
 * What a peer may not do to the gRPC server: flood it, hang on it, let it hoard. Each time it is
 * told or cut off, and another client is served as before. Clock by hand.
 */
#include <arpa/inet.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "pkg/base/log.h"
#include "pkg/grpc/internal.h"
#include "test/lib/fake_clock.h"
#include "test/unit/grpc_fixture.h"

#define SMALL_BUFFER 8192

/* A client whose connection's buffers are small. */
static void open_narrow(struct grpc_site *site)
{
	int fds[2], size = SMALL_BUFFER;
	h2_client_close(&site->client);
	EXPECT_INT(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds), 0);
	for (int i = 0; i < 2; i++)
		setsockopt(fds[i], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	connection_open(site->server, fds[1]);
	h2_client_adopt(&site->client, site->loop, fds[0]);
	EXPECT(h2_client_run(&site->client, NULL));
}

struct clocked {
	struct grpc_site site;
	struct fake_clock clock;
};

static void setup(struct clocked *it)
{
	fake_clock_init(&it->clock);
	site_setup_on(&it->site, &it->clock.clock);
	EXPECT(h2_client_run(&it->site.client, NULL));
	EXPECT_INT(grpc_server_connections(it->site.server), 1);
}

/* Later: something else happened to the clock alone. */
static void wait_for(struct clocked *it, int64_t ms)
{
	fake_clock_advance(&it->clock, ms);
	EXPECT(h2_client_run(&it->site.client, NULL));
}

static void expect_served(struct grpc_site *site)
{
	site_reopen(site);
	struct h2_answer *answer = h2_client_ask(&site->client, "/t.T/Echo", "x", 1);
	EXPECT(h2_client_run(&site->client, &answer->closed));
	EXPECT_INT(answer->code, GRPC_OK);
	EXPECT_INT(grpc_server_connections(site->server), 1);
	EXPECT_INT(grpc_server_calls(site->server), 0);
}

/* It is told why, then the connection is closed. */
static void expect_told_off(struct clocked *it)
{
	EXPECT(h2_client_run(&it->site.client, NULL));
	EXPECT_INT(it->site.client.goaway, NGHTTP2_ENHANCE_YOUR_CALM);
	EXPECT_INT(it->site.client.fd, -1);
	expect_served(&it->site);
	site_teardown(&it->site);
}

static void call_and_reset(struct clocked *it, int count, int64_t wait_ms)
{
	struct h2_client *client = &it->site.client;
	for (int i = 0; i < count; i++)
		h2_client_ask(client, "/t.T/Hold", "", 0);
	EXPECT(h2_client_run(client, NULL));
	fake_clock_advance(&it->clock, wait_ms);
	for (size_t i = client->count - (size_t)count; i < client->count; i++)
		h2_client_reset(client, client->answers[i]);
	EXPECT(h2_client_run(client, NULL));
}

TEST(grpc_limits, many_resets_at_once)
{
	struct clocked it;
	setup(&it);
	call_and_reset(&it, 2400, 0);
	EXPECT_INT(it.site.gone, 2400);
	expect_told_off(&it);
}

TEST(grpc_limits, many_calls_may_end_at_once)
{
	struct clocked it;
	setup(&it);
	call_and_reset(&it, 2400, 1000);
	EXPECT_INT(it.site.client.goaway, -1);
	EXPECT_INT(it.site.gone, 2400);
	expect_served(&it.site);
	site_teardown(&it.site);
}

TEST(grpc_limits, few_resets_a_second)
{
	struct clocked it;
	setup(&it);
	call_and_reset(&it, 1100, 0);
	wait_for(&it, 1000);
	call_and_reset(&it, 1100, 0);
	EXPECT_INT(it.site.client.goaway, -1);
	expect_served(&it.site);
	site_teardown(&it.site);
}

/* Frames that make the server reset streams: windows that grow too large. */
TEST(grpc_limits, faults_that_reset_streams)
{
	struct clocked it;
	setup(&it);
	for (int i = 0; i < 2400; i++)
		h2_client_ask(&it.site.client, "/t.T/Hold", "", 0);
	EXPECT(h2_client_run(&it.site.client, NULL));
	for (size_t i = 0; i < it.site.client.count; i++) {
		uint32_t stream = htonl((uint32_t)it.site.client.answers[i]->stream);
		uint8_t frame[13] = {0, 0, 4, NGHTTP2_WINDOW_UPDATE, [9] = 0x7f, 0xff, 0xff, 0xff};
		memcpy(frame + 5, &stream, sizeof(stream));
		h2_client_raw(&it.site.client, frame, sizeof(frame));
	}
	expect_told_off(&it);
}

/* A peer that wants answers and does not read them. */
static void flood(struct clocked *it, const void *frame, size_t length)
{
	open_narrow(&it->site);
	it->site.client.deaf = true;
	for (int i = 0; i < 20000; i++)
		h2_client_raw(&it->site.client, frame, length);
	EXPECT(h2_client_run(&it->site.client, NULL));
	EXPECT_INT(grpc_server_connections(it->site.server), 1);
	wait_for(it, 1000);
	EXPECT_INT(grpc_server_connections(it->site.server), 0);
	it->site.client.deaf = false;
	EXPECT(h2_client_run(&it->site.client, NULL));
	EXPECT_INT(it->site.client.fd, -1);
}

TEST(grpc_limits, floods_of_frames)
{
	static const uint8_t ping[17] = {0, 0, 8, NGHTTP2_PING};
	static const uint8_t settings[9] = {0, 0, 0, NGHTTP2_SETTINGS};
	struct clocked it;
	setup(&it);
	flood(&it, ping, sizeof(ping));
	expect_served(&it.site);
	flood(&it, settings, sizeof(settings));
	expect_served(&it.site);
	site_teardown(&it.site);
}

/* Requests that do not end, as frames, on streams from first on. */
static void open_raw(struct h2_client *client, uint32_t first, uint32_t count)
{
	static const char head[] = "\0\0\x23\1\4stre\x83\x86\1\1a\4\11/t.T/Echo\x0f\x10\x10"
				   "application/grpc";
	char frame[sizeof(head) - 1];
	memcpy(frame, head, sizeof(frame));
	for (uint32_t i = 0; i < count; i++) {
		uint32_t stream = htonl(2 * (first + i) + 1);
		memcpy(frame + 5, &stream, sizeof(stream));
		h2_client_raw(client, frame, sizeof(frame));
	}
	EXPECT(h2_client_run(client, NULL));
}

TEST(grpc_limits, calls_in_all)
{
	struct clocked it;
	struct h2_client second;
	setup(&it);
	h2_client_open(&second, it.site.loop, grpc_server_port(it.site.server));
	open_raw(&it.site.client, 0, GRPC_STREAMS_MAX);
	EXPECT_INT(grpc_server_calls(it.site.server), GRPC_STREAMS_MAX);
	open_raw(&second, 0, GRPC_CALLS_MAX - GRPC_STREAMS_MAX + 1);
	EXPECT_INT(grpc_server_calls(it.site.server), GRPC_CALLS_MAX);
	h2_client_close(&second);
	EXPECT(h2_client_run(&it.site.client, NULL));
	EXPECT_INT(grpc_server_calls(it.site.server), GRPC_STREAMS_MAX);
	open_raw(&it.site.client, GRPC_STREAMS_MAX, 1); /* more than SETTINGS allow */
	EXPECT_INT(it.site.client.goaway, NGHTTP2_PROTOCOL_ERROR);
	EXPECT_INT(grpc_server_connections(it.site.server), 0);
	expect_served(&it.site);
	site_teardown(&it.site);
}

/* Others have all the calls there are: that is no fault of who asks for one more. */
TEST(grpc_limits, calls_that_there_is_no_room_for)
{
	struct clocked it;
	struct h2_client second, third;
	setup(&it);
	h2_client_open(&second, it.site.loop, grpc_server_port(it.site.server));
	h2_client_open(&third, it.site.loop, grpc_server_port(it.site.server));
	open_raw(&it.site.client, 0, GRPC_STREAMS_MAX);
	open_raw(&second, 0, GRPC_CALLS_MAX - GRPC_STREAMS_MAX);
	for (int i = 0; i < 2400; i++)
		h2_client_ask(&third, "/t.T/Echo", "x", 1);
	EXPECT(h2_client_run(&third, NULL));
	for (size_t i = 0; i < third.count; i++) {
		EXPECT(third.answers[i]->closed);
		EXPECT_INT(third.answers[i]->reset, NGHTTP2_REFUSED_STREAM);
	}
	EXPECT_INT(third.goaway, -1);
	h2_client_close(&second);
	EXPECT(h2_client_run(&third, NULL));
	struct h2_answer *answer = h2_client_ask(&third, "/t.T/Echo", "x", 1);
	EXPECT(h2_client_run(&third, &answer->closed));
	EXPECT_INT(answer->code, GRPC_OK);
	h2_client_close(&third);
	site_teardown(&it.site);
}

/* For a second; whoever is told off is gone then. Not read, for the client knows nothing of them.
 */
static void send_settings(struct clocked *it, int count)
{
	/* Another window for all streams. */
	static const uint8_t settings[15] = {
	    [2] = 6, [3] = NGHTTP2_SETTINGS, [10] = NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, [13] = 1};
	it->site.client.deaf = true;
	for (int i = 0; i < count; i++)
		h2_client_raw(&it->site.client, settings, sizeof(settings));
	EXPECT(h2_client_run(&it->site.client, NULL));
	wait_for(it, 1000);
}

TEST(grpc_limits, many_settings)
{
	struct clocked it;
	setup(&it);
	wait_for(&it, 1000);
	send_settings(&it, 90);
	send_settings(&it, 90);
	EXPECT_INT(grpc_server_connections(it.site.server), 1);
	send_settings(&it, 110);
	EXPECT_INT(grpc_server_connections(it.site.server), 0);
	expect_served(&it.site);
	site_teardown(&it.site);
}

/* Less than the client's window, more than the socket takes: sent on when it takes more. */
TEST(grpc_limits, answers_wait_for_the_socket)
{
	static const char block[60000];
	struct clocked it;
	setup(&it);
	open_narrow(&it.site);
	struct h2_answer *answer = h2_client_ask(&it.site.client, "/t.T/Hold", "", 0);
	EXPECT(h2_client_run(&it.site.client, &it.site.one_held));
	it.site.client.deaf = true;
	grpc_send(it.site.held[0], block, sizeof(block));
	EXPECT(h2_client_run(&it.site.client, NULL));
	EXPECT_INT(answer->body.len, 0);
	it.site.client.deaf = false;
	EXPECT(h2_client_run(&it.site.client, NULL));
	EXPECT_INT(answer->body.len, sizeof(block) + 5);
	site_teardown(&it.site);
}

TEST(grpc_limits, pings_are_answered)
{
	static const uint8_t ping[17] = {0, 0, 8, NGHTTP2_PING};
	struct clocked it;
	setup(&it);
	for (int i = 0; i < 200; i++)
		h2_client_raw(&it.site.client, ping, sizeof(ping));
	EXPECT(h2_client_run(&it.site.client, NULL));
	EXPECT_INT(it.site.client.pongs, 200);
	site_teardown(&it.site);
}

TEST(grpc_limits, answers_that_nobody_reads)
{
	static const char block[GRPC_MESSAGE_MAX];
	struct clocked it;
	setup(&it);
	open_narrow(&it.site);
	h2_client_ask(&it.site.client, "/t.T/Hold", "", 0);
	EXPECT(h2_client_run(&it.site.client, &it.site.one_held));
	it.site.client.deaf = true;
	for (int i = 0; i < 15; i++)
		grpc_send(it.site.held[0], block, sizeof(block));
	wait_for(&it, 1000);
	EXPECT_INT(it.site.gone, 0);
	for (int i = 0; i < 5; i++)
		grpc_send(it.site.held[0], block, sizeof(block));
	EXPECT_INT(it.site.gone, 0); /* never from within */
	EXPECT(h2_client_run(&it.site.client, NULL));
	wait_for(&it, 1000);
	EXPECT_INT(it.site.gone, 1);
	expect_served(&it.site);
	site_teardown(&it.site);
}

TEST(grpc_limits, requests_that_never_end)
{
	static char most[60005] = {0, 0, 1, 0, 0}; /* of 65536 bytes */
	struct clocked it;
	int refused = 0;
	setup(&it);
	for (int i = 0; i < 40; i++) {
		h2_client_call(&it.site.client, &(struct h2_call){.path = "/t.T/Echo",
								  .data = most,
								  .length = sizeof(most),
								  .open = true});
		EXPECT(h2_client_run(&it.site.client, NULL));
	}
	for (size_t i = 0; i < it.site.client.count; i++)
		refused += it.site.client.answers[i]->code == GRPC_RESOURCE_EXHAUSTED;
	EXPECT_INT(refused, 40 - GRPC_HELD_MAX / sizeof(most));
	EXPECT_INT(grpc_server_calls(it.site.server), 40 - refused);
	expect_served(&it.site);
	site_teardown(&it.site);
}

TEST(grpc_limits, slow_requests)
{
	static const char part[] = "\0\0\3\1\0\0\0\0\3\x83\x86\1"; /* of the headers */
	static const char rest[] = "\0\0\2\x09\4\0\0\0\3\1a";      /* not all that is due */
	struct clocked it;
	setup(&it);
	struct h2_answer *slow = h2_client_call(
	    &it.site.client, &(struct h2_call){.path = "/t.T/Hold", .timeout = "1H", .open = true});
	struct h2_answer *kept = h2_client_call(
	    &it.site.client,
	    &(struct h2_call){
		.path = "/t.T/Hold", .timeout = "20S", .data = "\0\0\0\0", .length = 5});
	EXPECT(h2_client_run(&it.site.client, &it.site.one_held));
	wait_for(&it, 9999);
	EXPECT_INT(grpc_server_calls(it.site.server), 2);
	wait_for(&it, 1);
	EXPECT_INT(slow->code, GRPC_DEADLINE_EXCEEDED);
	EXPECT_INT(kept->code, -1);
	wait_for(&it, 9999);
	EXPECT_INT(it.site.gone, 0);
	wait_for(&it, 1);
	EXPECT_INT(kept->code, GRPC_DEADLINE_EXCEEDED);
	EXPECT_INT(it.site.gone, 1);
	EXPECT_INT(grpc_server_calls(it.site.server), 0);
	/* One whose headers do not end. */
	site_reopen(&it.site);
	EXPECT(h2_client_run(&it.site.client, NULL));
	h2_client_raw(&it.site.client, part, sizeof(part) - 1);
	EXPECT(h2_client_run(&it.site.client, NULL));
	EXPECT_INT(grpc_server_calls(it.site.server), 1);
	wait_for(&it, 10000);
	EXPECT_INT(grpc_server_calls(it.site.server), 0);
	h2_client_raw(&it.site.client, rest, sizeof(rest) - 1);
	EXPECT(h2_client_run(&it.site.client, NULL));
	expect_served(&it.site);
	site_teardown(&it.site);
}

TEST(grpc_limits, long_headers)
{
	static const size_t paddings[] = {8000, 15000, 17000, 60000};
	struct clocked it;
	setup(&it);
	for (size_t i = 0; i < ARRAY_SIZE(paddings); i++) {
		struct h2_answer *answer =
		    h2_client_call(&it.site.client, &(struct h2_call){.path = "/t.T/Echo",
								      .padding = paddings[i],
								      .data = "\0\0\0\0",
								      .length = 5});
		bool fits = paddings[i] < GRPC_HEADERS_MAX;
		test_row("%zu", paddings[i]);
		EXPECT(h2_client_run(&it.site.client, &answer->closed));
		EXPECT_INT(answer->code, fits ? GRPC_OK : -1);
		EXPECT_INT(answer->reset, fits ? NGHTTP2_NO_ERROR : NGHTTP2_INTERNAL_ERROR);
	}
	expect_served(&it.site);
	site_teardown(&it.site);
}

TEST(grpc_limits, connections_without_calls)
{
	struct clocked it;
	setup(&it);
	site_reopen(&it.site);
	it.site.client.split = 10; /* SETTINGS come later than the connection */
	EXPECT(h2_client_run(&it.site.client, NULL));
	wait_for(&it, 5 * 60 * 1000 - 1);
	EXPECT(it.site.client.fd >= 0);
	struct h2_answer *answer = h2_client_ask(&it.site.client, "/t.T/Echo", "", 0);
	EXPECT(h2_client_run(&it.site.client, &answer->closed)); /* the time begins anew */
	wait_for(&it, 5 * 60 * 1000 - 1);
	EXPECT(it.site.client.fd >= 0);
	wait_for(&it, 1);
	EXPECT_INT(it.site.client.goaway, NGHTTP2_NO_ERROR);
	EXPECT_INT(it.site.client.fd, -1);
	site_reopen(&it.site);
	h2_client_ask(&it.site.client, "/t.T/Hold", "", 0);
	EXPECT(h2_client_run(&it.site.client, NULL));
	wait_for(&it, 24 * 3600 * 1000);
	EXPECT_INT(it.site.client.goaway, -1);
	grpc_finish(it.site.held[0], GRPC_OK, NULL);
	EXPECT(h2_client_run(&it.site.client, NULL));
	wait_for(&it, 5 * 60 * 1000);
	EXPECT_INT(it.site.client.fd, -1);
	EXPECT_INT(grpc_server_connections(it.site.server), 0);
	site_teardown(&it.site);
}

TEST(grpc_limits, slow_handshakes)
{
	static const char preface[] = "PRI * HTTP/2.0\r\n";
	struct clocked it;
	setup(&it);
	int silent = site_connect(&it.site), slow = site_connect(&it.site);
	EXPECT(send(slow, preface, strlen(preface), 0) > 0);
	EXPECT(h2_client_run(&it.site.client, NULL));
	wait_for(&it, 9999);
	EXPECT_INT(grpc_server_connections(it.site.server), 3);
	wait_for(&it, 1);
	EXPECT_INT(grpc_server_connections(it.site.server), 1);
	close(silent);
	close(slow);
	site_teardown(&it.site);
}

TEST(grpc_limits, other_protocols)
{
	static const char request[] = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
	struct clocked it;
	setup(&it);
	int fd = site_connect(&it.site);
	EXPECT(send(fd, request, strlen(request), 0) > 0);
	EXPECT(h2_client_run(&it.site.client, NULL));
	EXPECT_INT(grpc_server_connections(it.site.server), 1);
	close(fd);
	site_teardown(&it.site);
}

TEST(grpc_limits, many_connections)
{
	struct clocked it;
	int fds[GRPC_CONNECTIONS_MAX];
	char byte;
	setup(&it);
	for (int i = 0; i < GRPC_CONNECTIONS_MAX; i++)
		fds[i] = site_connect(&it.site);
	EXPECT(h2_client_run(&it.site.client, NULL));
	EXPECT_INT(grpc_server_connections(it.site.server), GRPC_CONNECTIONS_MAX);
	EXPECT(recv(fds[0], &byte, 1, 0) == 1);                        /* SETTINGS */
	EXPECT(recv(fds[GRPC_CONNECTIONS_MAX - 1], &byte, 1, 0) == 0); /* one too many */
	for (int i = 0; i < GRPC_CONNECTIONS_MAX; i++)
		close(fds[i]);
	EXPECT(h2_client_run(&it.site.client, NULL));
	EXPECT_INT(grpc_server_connections(it.site.server), 1);
	expect_served(&it.site);
	site_teardown(&it.site);
}

/* No descriptor is left: it waits a second, without spinning, and accepts then. */
TEST(grpc_limits, no_descriptors)
{
	struct clocked it;
	struct rlimit limit, none;
	setup(&it);
	int fd = site_connect(&it.site), lowest = dup(fd);
	EXPECT_INT(getrlimit(RLIMIT_NOFILE, &limit), 0);
	none = limit;
	none.rlim_cur = (rlim_t)lowest;
	close(lowest);
	log_set_level(LOG_FATAL);
	EXPECT_INT(setrlimit(RLIMIT_NOFILE, &none), 0);
	EXPECT(h2_client_run(&it.site.client, NULL));
	EXPECT_INT(grpc_server_connections(it.site.server), 1);
	EXPECT_INT(timers_next_ms(loop_timers(it.site.loop)), 1000);
	EXPECT_INT(setrlimit(RLIMIT_NOFILE, &limit), 0);
	wait_for(&it, 999);
	EXPECT_INT(grpc_server_connections(it.site.server), 1);
	wait_for(&it, 1);
	EXPECT_INT(grpc_server_connections(it.site.server), 2);
	close(fd);
	expect_served(&it.site);
	site_teardown(&it.site);
}

TEST_MAIN(TEST_OF(grpc_limits, many_resets_at_once),
	  TEST_OF(grpc_limits, many_calls_may_end_at_once),
	  TEST_OF(grpc_limits, few_resets_a_second),
	  TEST_OF(grpc_limits, faults_that_reset_streams), TEST_OF(grpc_limits, floods_of_frames),
	  TEST_OF(grpc_limits, calls_in_all), TEST_OF(grpc_limits, calls_that_there_is_no_room_for),
	  TEST_OF(grpc_limits, many_settings), TEST_OF(grpc_limits, slow_requests),
	  TEST_OF(grpc_limits, answers_wait_for_the_socket),
	  TEST_OF(grpc_limits, pings_are_answered), TEST_OF(grpc_limits, answers_that_nobody_reads),
	  TEST_OF(grpc_limits, requests_that_never_end), TEST_OF(grpc_limits, long_headers),
	  TEST_OF(grpc_limits, connections_without_calls), TEST_OF(grpc_limits, slow_handshakes),
	  TEST_OF(grpc_limits, other_protocols), TEST_OF(grpc_limits, many_connections),
	  TEST_OF(grpc_limits, no_descriptors))
