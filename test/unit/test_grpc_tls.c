/*
 * The gRPC server over TLS: who is served, who is not, and files that change while it runs. The
 * clock is moved by hand.
 */
#include <stdlib.h>
#include <unistd.h>

#include "pkg/base/log.h"
#include "test/lib/fake_clock.h"
#include "test/lib/tls.h"
#include "test/unit/grpc_fixture.h"

struct tls_site {
	struct grpc_site site;
	struct fake_clock clock;
	struct tls_folder folder;
};

static void copy(struct tls_site *it, const char *from, const char *to)
{
	size_t length;
	char *text = test_read_file(tls_path(&it->folder, from), &length);
	FILE *file = fopen(tls_path(&it->folder, to), "w");
	EXPECT(file && fwrite(text, 1, length, file) == length && fclose(file) == 0);
	free(text);
}

static void setup(struct tls_site *it, const char *client_ca)
{
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	memset(&it->site, 0, sizeof(it->site));
	fake_clock_init(&it->clock);
	tls_folder_init(&it->folder);
	copy(it, "server.crt", "live.crt");
	copy(it, "server.key", "live.key");
	log_set_level(LOG_FATAL);
	it->site.loop = loop_new(&it->clock.clock);
	struct grpc_server_config config = site_config(&it->site);
	config.cert_file = tls_path(&it->folder, "live.crt");
	config.key_file = tls_path(&it->folder, "live.key");
	config.client_ca_file = client_ca ? tls_path(&it->folder, client_ca) : NULL;
	EXPECT(grpc_server_new(&config, &it->site.server, &err));
	EXPECT_TEXT(error_text(&err), "");
}

static void teardown(struct tls_site *it)
{
	grpc_server_free(it->site.server);
	loop_free(it->site.loop);
	tls_folder_release(&it->folder);
}

struct row {
	const char *name;
	const char *ca, *host, *cert, *key; /* files of the folder */
	const char *alpn;
	int max_version;
	const char *error; /* that the client is told; NULL: any */
	bool served;
};

/* One call on a connection of its own. */
static bool served(struct tls_site *it, const struct row *row, size_t split)
{
	struct h2_client *client = &it->site.client;
	struct h2_tls tls = {
	    .ca_file = tls_path(&it->folder, row->ca ? row->ca : "ca.crt"),
	    .host = row->host,
	    .cert_file = row->cert ? tls_path(&it->folder, row->cert) : NULL,
	    .key_file = row->key ? tls_path(&it->folder, row->key) : NULL,
	    .alpn = row->alpn,
	    .max_version = row->max_version,
	};
	h2_client_open_tls(client, it->site.loop, grpc_server_port(it->site.server), &tls);
	client->split = split;
	struct h2_answer *answer = h2_client_ask(client, "/t.T/Thrice", "hello", 5);
	EXPECT(h2_client_run(client, NULL));
	if (row->error)
		EXPECT_CONTAINS(client->ssl_error, row->error);
	bool ok = answer->code == GRPC_OK && answer->body.len == 30;
	h2_client_close(client);
	EXPECT(h2_client_run(client, NULL));
	return ok;
}

static void expect_rows(struct tls_site *it, const struct row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		test_row("%s", rows[i].name);
		EXPECT_INT(served(it, &rows[i], 0), rows[i].served);
		EXPECT_INT(grpc_server_connections(it->site.server), 0);
	}
}

TEST(grpc_tls, serves_http2_alone)
{
	static const struct row rows[] = {
	    {.name = "anybody", .served = true},
	    {.name = "a host of the certificate", .host = "api.test", .served = true},
	    {.name = "another host", .host = "other.test", .served = false},
	    {.name = "another authority", .ca = "stranger.crt", .served = false},
	    {.name = "TLS 1.2", .max_version = TLS1_2_VERSION, .served = true},
	    {.name = "TLS 1.1", .max_version = TLS1_1_VERSION, .served = false},
	    {.name = "another protocol",
	     .alpn = "http/1.1",
	     .error = "no application protocol",
	     .served = false},
	    {.name = "no protocol", .alpn = "", .served = false},
	    {.name = "a certificate that nobody wants",
	     .cert = "stranger.crt",
	     .key = "stranger.key",
	     .served = true},
	};
	struct tls_site it;
	setup(&it, NULL);
	expect_rows(&it, rows, ARRAY_SIZE(rows));
	for (size_t split = 1; split < 32; split++) {
		test_row("split %zu", split);
		EXPECT(served(&it, &rows[0], split));
	}
	teardown(&it);
}

TEST(grpc_tls, knows_its_clients)
{
	static const struct row rows[] = {
	    {.name = "signed", .cert = "client.crt", .key = "client.key", .served = true},
	    {.name = "signed, TLS 1.2",
	     .cert = "client.crt",
	     .key = "client.key",
	     .max_version = TLS1_2_VERSION,
	     .served = true},
	    {.name = "none", .served = false},
	    {.name = "none, TLS 1.2", .max_version = TLS1_2_VERSION, .served = false},
	    {.name = "not signed", .cert = "stranger.crt", .key = "stranger.key", .served = false},
	};
	struct tls_site it;
	setup(&it, "ca.crt");
	expect_rows(&it, rows, ARRAY_SIZE(rows));
	teardown(&it);
}

/* More than a record, more than a window. */
TEST(grpc_tls, carries_long_messages)
{
	static const char message[GRPC_MESSAGE_MAX];
	struct tls_site it;
	setup(&it, NULL);
	h2_client_open_tls(&it.site.client, it.site.loop, grpc_server_port(it.site.server),
			   &(struct h2_tls){.alpn = "h2"});
	for (int i = 0; i < 4; i++)
		h2_client_ask(&it.site.client, "/t.T/Thrice", message, sizeof(message));
	EXPECT(h2_client_run(&it.site.client, NULL));
	for (size_t i = 0; i < it.site.client.count; i++) {
		EXPECT_INT(it.site.client.answers[i]->code, GRPC_OK);
		EXPECT_INT(it.site.client.answers[i]->body.len, 3 * (sizeof(message) + 5));
	}
	h2_client_close(&it.site.client);
	teardown(&it);
}

TEST(grpc_tls, does_without_plain_text)
{
	struct tls_site it;
	setup(&it, NULL);
	h2_client_open(&it.site.client, it.site.loop, grpc_server_port(it.site.server));
	EXPECT(h2_client_run(&it.site.client, NULL));
	EXPECT_INT(it.site.client.fd, -1);
	h2_client_close(&it.site.client);
	teardown(&it);
}

TEST(grpc_tls, takes_new_files)
{
	static const struct row old = {.name = "old", .host = "api.test"};
	static const struct row new = {.name = "new", .host = "other.test"};
	struct tls_site it;
	setup(&it, NULL);
	EXPECT(served(&it, &old, 0));
	copy(&it, "other.crt", "live.crt"); /* the key comes later */
	fake_clock_advance(&it.clock, 9999);
	EXPECT(served(&it, &old, 0));
	fake_clock_advance(&it.clock, 1);
	EXPECT(served(&it, &old, 0));
	copy(&it, "other.key", "live.key");
	EXPECT(served(&it, &old, 0));
	fake_clock_advance(&it.clock, 10000);
	EXPECT(served(&it, &new, 0));
	EXPECT_FALSE(served(&it, &old, 0));
	EXPECT_INT(unlink(tls_path(&it.folder, "live.crt")), 0);
	fake_clock_advance(&it.clock, 10000);
	EXPECT(served(&it, &new, 0));
	copy(&it, "server.crt", "live.crt");
	copy(&it, "server.key", "live.key");
	fake_clock_advance(&it.clock, 10000);
	EXPECT(served(&it, &old, 0));
	teardown(&it);
}

struct file_row {
	const char *cert, *key, *ca, *error;
};

TEST(grpc_tls, names_files_that_are_wrong)
{
	static const struct file_row rows[] = {
	    {"server.crt", NULL, NULL, "TLS: certificate and key go together"},
	    {NULL, "server.key", NULL, "TLS: certificate and key go together"},
	    {NULL, NULL, "ca.crt", "TLS: certificate and key go together"},
	    {"none.crt", "server.key", NULL, "none.crt: "},
	    {"server.crt", "none.key", NULL, "none.key: "},
	    {"server.crt", "other.key", NULL, "other.key: key values mismatch"},
	    {"server.key", "server.key", NULL, "server.key: no start line"},
	    {"server.crt", "server.key", "none.crt", "none.crt: "},
	    {"server.crt", "server.key", "server.key", "server.key: "},
	};
	struct tls_site it;
	setup(&it, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		CLEANUP(error_clear) struct error err = ERROR_INIT;
		struct grpc_server *other = NULL;
		struct grpc_server_config config = site_config(&it.site);
		test_row("%zu", i);
		config.cert_file = rows[i].cert ? tls_path(&it.folder, rows[i].cert) : NULL;
		config.key_file = rows[i].key ? tls_path(&it.folder, rows[i].key) : NULL;
		config.client_ca_file = rows[i].ca ? tls_path(&it.folder, rows[i].ca) : NULL;
		EXPECT_FALSE(grpc_server_new(&config, &other, &err));
		EXPECT_INT(err.kind, ERROR_FATAL);
		EXPECT_CONTAINS(error_text(&err), rows[i].error);
	}
	teardown(&it);
}

TEST_MAIN(TEST_OF(grpc_tls, serves_http2_alone), TEST_OF(grpc_tls, knows_its_clients),
	  TEST_OF(grpc_tls, carries_long_messages), TEST_OF(grpc_tls, does_without_plain_text),
	  TEST_OF(grpc_tls, takes_new_files), TEST_OF(grpc_tls, names_files_that_are_wrong))
