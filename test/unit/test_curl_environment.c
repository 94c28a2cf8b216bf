/* What TLS libraries read from the environment weakens nothing: OPENSSL_CONF with old protocols
 * allowed, SSL_CERT_FILE and its kin with a stranger's authority. Set before the libraries begin.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pkg/base/check.h"
#include "test/lib/probe.h"
#include "test/lib/server.h"
#include "test/lib/test.h"
#include "test/lib/tls.h"

static struct tls_folder folder;

static void write_file(const char *name, const char *text)
{
	FILE *file = fopen(tls_path(&folder, name), "w");
	CHECK(file && fputs(text, file) >= 0 && fclose(file) == 0);
}

/* OpenSSL reads its configuration when it is loaded. */
static void __attribute__((constructor)) lax_environment(void)
{
	tls_folder_init(&folder);
	write_file("lax.cnf", "openssl_conf = all\n[all]\nssl_conf = ssl\n"
			      "[ssl]\nsystem_default = lax\n"
			      "[lax]\nMinProtocol = TLSv1\nCipherString = DEFAULT@SECLEVEL=0\n");
	write_file("answer", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
	setenv("OPENSSL_CONF", tls_path(&folder, "lax.cnf"), 1);
	setenv("SSL_CERT_FILE", tls_path(&folder, "ca.crt"), 1);
	setenv("SSL_CERT_DIR", folder.path, 1);
	setenv("CURL_CA_BUNDLE", tls_path(&folder, "ca.crt"), 1);
}

static void __attribute__((destructor)) release_folder(void)
{
	tls_folder_release(&folder);
}

static enum error_kind ask(const struct child *child, struct endpoint *endpoint, char *told)
{
	CLEANUP(probe_release) struct probe probe = {0};
	struct rig rig;
	rig_init(&rig, &system_clock, "https", "127.0.0.1", child->port, endpoint);
	probe_get(&probe, &rig, "/answer");
	EXPECT(probe_wait(&probe));
	rig_release(&rig);
	memcpy(told, probe.error, sizeof(probe.error));
	return probe.kind;
}

#define SERVER "openssl s_server -accept PORT -HTTP -cert server.crt -key server.key"

/* TLS 1.1, which the environment lets everybody speak: not with a server, not with a proxy. */
TEST(environment, allows_no_old_protocol)
{
	static const char *const old[] = {"-tls1", "-tls1_1"};
	char told[256], command[160];
	for (size_t i = 0; i < ARRAY_SIZE(old); i++) {
		CLEANUP(child_stop) struct child child = {0};
		snprintf(command, sizeof(command), SERVER " %s", old[i]);
		test_row("%s", old[i]);
		CHECK(child_start(&child, &folder, "old", command));
		struct endpoint verified = {.ca_file = tls_path(&folder, "ca.crt")};
		EXPECT_INT(ask(&child, &verified, told), ERROR_TRANSIENT);
		EXPECT_CONTAINS(told, "TLS: ");
		struct endpoint lax = {.insecure_skip_verify = true};
		EXPECT_INT(ask(&child, &lax, told), ERROR_TRANSIENT);
		EXPECT_CONTAINS(told, "TLS: ");
		snprintf(command, sizeof(command), "https://127.0.0.1:%u", child.port);
		struct endpoint behind = {.ca_file = tls_path(&folder, "ca.crt"), .proxy = command};
		EXPECT_INT(ask(&child, &behind, told), ERROR_TRANSIENT);
		EXPECT_CONTAINS(told, "TLS: ");
	}
	test_row("%s", "");
}

TEST(environment, adds_no_authority)
{
	CLEANUP(child_stop) struct child child = {0};
	char told[256];
	CHECK(child_start(&child, &folder, "server", SERVER));
	struct endpoint none = {0};
	EXPECT_INT(ask(&child, &none, told), ERROR_TRANSIENT);
	EXPECT_CONTAINS(told, "certificate problem");
	struct endpoint stranger = {.ca_file = tls_path(&folder, "stranger.crt")};
	EXPECT_INT(ask(&child, &stranger, told), ERROR_TRANSIENT);
	EXPECT_CONTAINS(told, "certificate problem");
	struct endpoint right = {.ca_file = tls_path(&folder, "ca.crt")};
	EXPECT_INT(ask(&child, &right, told), ERROR_NONE);
}

TEST_MAIN(TEST_OF(environment, allows_no_old_protocol), TEST_OF(environment, adds_no_authority))
