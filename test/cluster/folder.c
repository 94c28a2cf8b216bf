/*
 * Files that clients read. Invariant: a file appears under its name only when it is whole (it is
 * written beside and renamed), so that whoever waits for kubeconfig can use it at once.
 */
#include "test/cluster/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pkg/base/check.h"
#include "pkg/base/strbuf.h"

bool token_make(char token[TOKEN_SIZE], struct error *err)
{
	unsigned char bytes[(TOKEN_SIZE - 1) / 2];
	if (RAND_bytes(bytes, sizeof(bytes)) != 1)
		return error_set(err, ERROR_FATAL, "no random bytes for the token");
	for (size_t i = 0; i < sizeof(bytes); i++)
		snprintf(token + 2 * i, 3, "%02x", bytes[i]);
	return true;
}

static bool write_all(int fd, const char *text)
{
	size_t length = strlen(text);
	while (length > 0) {
		ssize_t written = write(fd, text, length);
		if (written < 0 && errno == EINTR)
			continue;
		if (written <= 0)
			return false;
		text += written;
		length -= (size_t)written;
	}
	return true;
}

static bool write_file(const char *dir, const char *name, const char *text, struct error *err)
{
	CLEANUP(strbuf_release) struct strbuf path = STRBUF_INIT;
	CLEANUP(strbuf_release) struct strbuf beside = STRBUF_INIT;
	strbuf_addf(&path, "%s/%s", dir, name);
	strbuf_addf(&beside, "%s/.%s.new", dir, name);
	unlink(beside.buf);
	int fd = open(beside.buf, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	bool ok = fd >= 0 && write_all(fd, text);
	int saved = errno;
	if (fd >= 0 && close(fd) != 0 && ok) {
		ok = false;
		saved = errno;
	}
	if (ok && rename(beside.buf, path.buf) == 0)
		return true;
	return error_set(err, ERROR_FATAL, "write %s: %s", path.buf, strerror(ok ? errno : saved));
}

static char *base64(const char *text)
{
	size_t length = strlen(text);
	char *out = xmalloc(length / 3 * 4 + 5);
	EVP_EncodeBlock((unsigned char *)out, (const unsigned char *)text, (int)length);
	return out;
}

static void write_kubeconfig(const char *ca, const char *token, uint16_t port, struct strbuf *out)
{
	char *encoded = base64(ca);
	strbuf_addf(out,
		    "apiVersion: v1\n"
		    "kind: Config\n"
		    "clusters:\n"
		    "- name: devcluster\n"
		    "  cluster:\n"
		    "    server: https://127.0.0.1:%u\n"
		    "    certificate-authority-data: %s\n"
		    "users:\n"
		    "- name: developer\n"
		    "  user:\n"
		    "    token: %s\n"
		    "contexts:\n"
		    "- name: devcluster\n"
		    "  context: {cluster: devcluster, user: developer, namespace: default}\n"
		    "current-context: devcluster\n",
		    port, encoded, token);
	free(encoded);
}

bool folder_write(const char *dir, const struct certificates *certificates, const char *token,
		  uint16_t port, struct error *err)
{
	CLEANUP(strbuf_release) struct strbuf kubeconfig = STRBUF_INIT;
	if (mkdir(dir, 0700) != 0 && errno != EEXIST)
		return error_set(err, ERROR_FATAL, "make the folder %s: %s", dir, strerror(errno));
	write_kubeconfig(certificates->ca, token, port, &kubeconfig);
	return write_file(dir, "ca.crt", certificates->ca, err) &&
	       write_file(dir, "kubeconfig", kubeconfig.buf, err);
}
