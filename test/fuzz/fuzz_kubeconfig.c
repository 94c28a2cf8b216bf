/*
 * A kubeconfig file: it gives an address to ask and no half of a pair, or is refused for good with
 * a message that names the file.
 */
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "pkg/kube/config.h"
#include "test/fuzz/fuzz.h"

static void check_endpoint(const struct endpoint *e)
{
	size_t length = e->server ? strlen(e->server) : 0;
	CHECK(length > 7 && e->server[length - 1] != '/');
	CHECK(strncmp(e->server, "http", 4) == 0);
	CHECK((e->client_cert_file || e->client_cert_pem) ==
	      (e->client_key_file || e->client_key_pem));
	CHECK(!e->ca_file || !e->ca_pem);
	CHECK(!e->insecure_skip_verify || (!e->ca_file && !e->ca_pem));
	CHECK(!e->ca_file || e->ca_file[0] == '/');
	CHECK(!e->token_file || e->token_file[0] == '/');
}

static void write_all(int fd, const uint8_t *data, size_t size)
{
	while (size > 0) {
		ssize_t n = write(fd, data, size);
		CHECK(n > 0);
		data += n;
		size -= (size_t)n;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	struct endpoint endpoint;
	char path[64];
	int fd = memfd_create("kubeconfig", MFD_CLOEXEC);
	CHECK(fd >= 0);
	write_all(fd, data, size);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (kube_config_load(path, NULL, arena, &endpoint, &err)) {
		check_endpoint(&endpoint);
	} else {
		CHECK(err.kind == ERROR_FATAL);
		CHECK(strncmp(error_text(&err), "kubeconfig /proc/self/fd/", 25) == 0);
	}
	close(fd);
	return 0;
}
